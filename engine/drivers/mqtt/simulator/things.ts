import type { Clock, Timer } from '../../../clock/clock';
import type { FaultSwitches } from '../../simulated/faults';
import { onOff, own, payloadOf } from '../payload';
import type { MqttFaultName } from './faults';

/** How the simulated things speak with their broker. */
export interface Bus {
  publish(topic: string, payload: string | object, retain?: boolean): void;
  subscribe(topic: string, listener: (payload: string) => void): void;
}

/** Simulated things and what they hold. */
export interface SimulatedThings {
  /** Relays and contacts by the name of their thing. */
  outputs: Record<string, boolean>;
  inputs: Record<string, boolean>;
  commands: string[];
  /** Retained states, as things send them when they start. */
  announce(): void;
  /** Changes a contact or sensor and tells it as its family does. Throws nothing for a name that there is not. */
  setInput(name: string, active: boolean): void;
  /** Changes a contact that is not told, as when its thing was away. */
  setSilently(name: string, active: boolean): void;
  /** A button: single, double, long. */
  press(name: string, manner: string): void;
  setAvailable(name: string, online: boolean): void;
  /** What Tasmota tells every five minutes. */
  tellPeriodically(): void;
  close(): void;
}

export const simulatedThings = {
  tasmota: 'yard/siren',
  shelly1: 'shelly1-SIM01',
  shelly2: 'shellyplus1-sim02',
  door: 'hall/door',
  smoke: 'kitchen/smoke',
  warning: 'attic/siren',
  plug: 'hall/plug',
  lamp: 'home/lamp',
} as const;

const { tasmota, shelly1, shelly2, door, smoke, warning, plug, lamp } = simulatedThings;

export function createThings(
  bus: Bus,
  faults: FaultSwitches<MqttFaultName>,
  clock: Clock,
  slowMs: number,
): SimulatedThings {
  const timers = new Map<string, Timer>();
  const outputs: Record<string, boolean> = {
    [tasmota]: false,
    [shelly1]: false,
    [shelly2]: false,
    [warning]: false,
    [plug]: false,
    [lamp]: false,
  };
  const inputs: Record<string, boolean> = {
    [tasmota]: false,
    [shelly1]: false,
    [shelly2]: false,
    [door]: false,
    [smoke]: false,
  };
  const commands: string[] = [];
  let pulseTime = 0;

  const soon = (work: () => void): void => {
    if (faults.has('slow-things')) clock.after(slowMs, work, { background: true });
    else work();
  };

  function follow(name: string, on: boolean, forMs: number, told: (changed: boolean) => void): void {
    timers.get(name)?.cancel();
    timers.delete(name);
    soon(() => {
      const changed = outputs[name] !== on;
      if (!faults.has('stubborn-things')) outputs[name] = on;
      if (changed || !faults.has('changes-only')) told(changed);
      if (on && forMs > 0)
        timers.set(
          name,
          clock.after(forMs, () => follow(name, false, 0, told), { background: true }),
        );
    });
  }

  const on = (topic: string, listener: (payload: string) => void): void =>
    bus.subscribe(topic, (payload) => {
      commands.push(`${topic} ${payload}`);
      if (!faults.has('deaf-things')) listener(payload);
    });

  // Tasmota: plain text and RESULT; its topic has a slash.
  const word = (active: boolean | undefined): string => (active ? 'ON' : 'OFF');
  const tellTasmota = (): void => {
    bus.publish(`stat/${tasmota}/RESULT`, { POWER1: word(outputs[tasmota]) });
    bus.publish(`stat/${tasmota}/POWER1`, word(outputs[tasmota]));
  };
  const tasmotaPower = (text: string): void => {
    if (faults.has('unknown-command')) {
      bus.publish(`stat/${tasmota}/RESULT`, { Command: 'Unknown' });
      return;
    }
    const wanted = onOff(text);
    const ms = pulseTime > 111 ? (pulseTime - 100) * 1_000 : pulseTime * 100;
    if (wanted === null) tellTasmota();
    else follow(tasmota, wanted, wanted ? ms : 0, tellTasmota);
  };
  on(`cmnd/${tasmota}/POWER1`, tasmotaPower);
  on(`cmnd/${tasmota}/STATUS`, (text) => {
    if (text === '10')
      bus.publish(`stat/${tasmota}/STATUS10`, {
        StatusSNS: { Time: '2026-01-01T00:00:00', Switch1: word(inputs[tasmota]) },
      });
  });
  on(`cmnd/${tasmota}/Backlog`, (text) => {
    for (const part of text.split(';').map((p) => p.trim().split(' '))) {
      if (part[0] === 'PulseTime1') {
        pulseTime = Number(part[1]);
        bus.publish(`stat/${tasmota}/RESULT`, { PulseTime1: { Set: pulseTime, Remaining: pulseTime } });
      } else if (part[0] === 'Power1') tasmotaPower(part[1] ?? '');
    }
  });

  // Shelly, first generation.
  const tellShelly1 = (): void => bus.publish(`shellies/${shelly1}/relay/0`, outputs[shelly1] ? 'on' : 'off', true);
  on(`shellies/${shelly1}/relay/0/command`, (text) => follow(shelly1, text === 'on', 0, tellShelly1));
  on(`shellies/${shelly1}/command`, (text) => {
    if (text !== 'update') return;
    tellShelly1();
    changed[shelly1]?.();
  });

  // Shelly, second generation: RPC; a notice only of what changed.
  on(`${shelly2}/rpc`, (text) => {
    const call = payloadOf(Buffer.from(text)).json();
    const [id, src, method, params] = ['id', 'src', 'method', 'params'].map((name) => own(call, name));
    const answer = (rest: object): void => bus.publish(`${String(src)}/rpc`, { id, src: shelly2, dst: src, ...rest });
    if (faults.has('rpc-error')) return answer({ error: { code: -105, message: 'Argument id, value 7 not found!' } });
    if (method === 'Shelly.GetStatus')
      return soon(() =>
        answer({
          result: {
            'input:0': { id: 0, state: inputs[shelly2] },
            mqtt: { connected: true },
            'switch:0': { id: 0, source: 'init', output: outputs[shelly2], temperature: { tC: 41.2, tF: 106.2 } },
            sys: { mac: 'A8032ABE54DC', restart_required: false, uptime: 11081 },
          },
        }),
      );
    if (method === 'Switch.GetStatus')
      return soon(() => answer({ result: { id: 0, source: 'MQTT', output: outputs[shelly2] } }));
    const wanted = own(params, 'on') === true;
    const before = outputs[shelly2];
    const after = own(params, 'toggle_after');
    follow(shelly2, wanted, typeof after === 'number' ? after * 1_000 : 0, (changed) => {
      if (!changed) return;
      bus.publish(`${shelly2}/events/rpc`, {
        src: shelly2,
        method: 'NotifyStatus',
        params: { ts: clock.now() / 1_000, 'switch:0': { id: 0, output: outputs[shelly2], source: 'MQTT' } },
      });
    });
    answer({ result: { was_on: before } });
  });

  // Zigbee2MQTT: one document of all properties.
  const tellDoor = (): void =>
    bus.publish(`zigbee2mqtt/${door}`, { contact: !inputs[door], tamper: false, battery_low: false, linkquality: 92 });
  const tellSmoke = (): void => bus.publish(`zigbee2mqtt/${smoke}`, { smoke: inputs[smoke], battery: 100 });
  const tellPlug = (): void =>
    bus.publish(`zigbee2mqtt/${plug}`, { state: word(outputs[plug]), power: outputs[plug] ? 12.5 : 0 });
  on(`zigbee2mqtt/${warning}/set`, (text) => {
    if (faults.has('bridge-error'))
      return bus.publish('zigbee2mqtt/bridge/logging', {
        level: 'error',
        message: `Publish 'set' 'warning' to '${warning}' failed: 'Error: no response'`,
      });
    const asked = own(payloadOf(Buffer.from(text)).json(), 'warning');
    const sounds = own(asked, 'mode') !== 'stop';
    follow(warning, sounds, sounds ? Number(own(asked, 'duration') ?? 0) * 1_000 : 0, () => undefined);
  });
  on(`zigbee2mqtt/${plug}/set`, (text) => {
    if (faults.has('bridge-error'))
      return bus.publish('zigbee2mqtt/bridge/logging', {
        level: 'error',
        message: `Publish 'set' 'state' to '${plug}' failed: 'Error: no response'`,
      });
    const asked = payloadOf(Buffer.from(text)).json();
    follow(plug, own(asked, 'state') === 'ON', Number(own(asked, 'on_time') ?? 0) * 1_000, tellPlug);
  });
  on(`zigbee2mqtt/${plug}/get`, tellPlug);

  // A thing of its own making, that announces itself to Home Assistant.
  const tellLamp = (): void => bus.publish(`${lamp}/state`, { light: { state: word(outputs[lamp]) } }, true);
  on(`${lamp}/set`, (text) => follow(lamp, text === 'ON', 0, tellLamp));

  const availability: Record<string, (online: boolean) => void> = {
    [tasmota]: (is) => bus.publish(`tele/${tasmota}/LWT`, is ? 'Online' : 'Offline', true),
    [shelly1]: (is) => bus.publish(`shellies/${shelly1}/online`, String(is), true),
    [shelly2]: (is) => bus.publish(`${shelly2}/online`, String(is), true),
    [door]: (is) => bus.publish(`zigbee2mqtt/${door}/availability`, { state: is ? 'online' : 'offline' }, true),
    [smoke]: (is) => bus.publish(`zigbee2mqtt/${smoke}/availability`, is ? 'online' : 'offline', true),
    [lamp]: (is) => bus.publish(`${lamp}/available`, is ? 'online' : 'offline', true),
    bridge: (is) => bus.publish('zigbee2mqtt/bridge/state', { state: is ? 'online' : 'offline' }, true),
  };

  const changed: Record<string, () => void> = {
    [tasmota]: () => bus.publish(`stat/${tasmota}/SWITCH1`, word(inputs[tasmota])),
    [shelly1]: () => bus.publish(`shellies/${shelly1}/input/0`, inputs[shelly1] ? '1' : '0', true),
    [shelly2]: () =>
      bus.publish(`${shelly2}/events/rpc`, {
        src: shelly2,
        method: 'NotifyStatus',
        params: { ts: clock.now() / 1_000, 'input:0': { id: 0, state: inputs[shelly2] } },
      }),
    [door]: tellDoor,
    [smoke]: tellSmoke,
  };

  return {
    outputs,
    inputs,
    commands,
    announce() {
      for (const tell of Object.values(availability)) tell(true);
      tellShelly1();
      tellLamp();
      changed[shelly1]?.();
      bus.publish(
        `homeassistant/light/sim/lamp/config`,
        {
          '~': lamp,
          name: 'Lamp',
          cmd_t: '~/set',
          stat_t: '~/state',
          val_tpl: '{{ value_json.light.state }}',
          avty_t: '~/available',
        },
        true,
      );
      bus.publish(
        `homeassistant/binary_sensor/sim/smoke/config`,
        {
          state_topic: `zigbee2mqtt/${smoke}`,
          value_template: '{{ value_json.smoke }}',
          payload_on: true,
          payload_off: false,
          device_class: 'smoke',
          availability: [{ topic: `zigbee2mqtt/${smoke}/availability` }],
        },
        true,
      );
    },
    setInput(name, active) {
      inputs[name] = active;
      if (faults.has('garbage'))
        for (const topic of [`stat/${tasmota}/SWITCH1`, `zigbee2mqtt/${smoke}`, `${shelly2}/events/rpc`])
          for (const junk of [
            '',
            '{',
            '[[',
            'null',
            '{"smoke":"maybe"}',
            '\u0000\u0001',
            '{"method":"NotifyEvent","params":{"events":7}}',
          ])
            bus.publish(topic, junk);
      changed[name]?.();
    },
    setSilently(name, active) {
      inputs[name] = active;
    },
    press(name, manner) {
      if (name === shelly2)
        bus.publish(`${shelly2}/events/rpc`, {
          src: shelly2,
          method: 'NotifyEvent',
          params: {
            ts: clock.now() / 1_000,
            events: [{ component: 'input:0', id: 0, event: `${manner}_push`, ts: clock.now() / 1_000 }],
          },
        });
      else if (name === shelly1) bus.publish(`shellies/${shelly1}/longpush/0`, '1', true);
      else bus.publish(`zigbee2mqtt/${name}`, { action: manner });
    },
    setAvailable: (name, online) => availability[name]?.(online),
    tellPeriodically() {
      bus.publish(`tele/${tasmota}/SENSOR`, { Time: '2026-01-01T00:00:00', Switch1: word(inputs[tasmota]) });
      bus.publish(`tele/${tasmota}/STATE`, {
        Uptime: '0T01:00:00',
        POWER1: word(outputs[tasmota]),
        Wifi: { RSSI: 70 },
      });
    },
    close() {
      for (const timer of timers.values()) timer.cancel();
      timers.clear();
    },
  };
}
