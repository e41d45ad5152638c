/** An MQTT broker that is only published to, as its config node defines it. */
export interface MqttBroker {
  id: string;
  name: string;
  host: string;
  port: number;
  tls: boolean;
  /** Certificates of the operator's own authority in PEM; empty: those that this machine trusts. */
  authority: string;
  /** SHA-256 of the one certificate that is trusted, as `AA:BB:…`; empty: the authority decides. */
  fingerprint: string;
  /** MQTT 3.1.1 or 5; only 5 lets a broker say that it does not take a message. */
  version: 4 | 5;
  /** Empty: a new one for each connection. */
  clientId: string;
  credentials: { user: string; password: string } | null;
}

/** One message to a broker. */
export interface MqttMessage {
  topic: string;
  payload: string;
  qos: 0 | 1 | 2;
  retain: boolean;
}
