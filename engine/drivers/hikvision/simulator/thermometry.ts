import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../../clock/clock';
import type { Faults } from './faults';
import { frame } from './streams';

/** One measuring rule of the simulated thermal camera. */
export interface ThermalRuleState {
  id: number;
  name: string;
  kind: 'point' | 'line' | 'region';
  maximum: number;
  minimum: number;
  average: number;
}

/** The rules of the camera and the streams on which their temperatures go out. */
export interface Thermometry {
  rules: ThermalRuleState[];
  /** Channel on which it is; absent faults: 2. */
  has(channel: number): boolean;
  open(socket: Socket): void;
  streams(): number;
  cut(): void;
  close(): void;
}

export function createThermometry(faults: Faults, clock: Clock, everyMs: number, date: () => string): Thermometry {
  const sockets = new Set<Socket>();
  const rules: ThermalRuleState[] = [
    { id: 1, name: 'Press', kind: 'region', maximum: 61.5, minimum: 22, average: 40.5 },
    { id: 2, name: 'Bearing', kind: 'point', maximum: 45, minimum: 45, average: 45 },
    { id: 3, name: 'Belt', kind: 'line', maximum: 33, minimum: 20.5, average: 28 },
  ];
  let timer: Timer | null = null;

  const shown = (celsius: number): number =>
    Math.round((faults.has('fahrenheit') ? celsius * 1.8 + 32 : celsius) * 10) / 10;

  function upload(rule: ThermalRuleState): object {
    const point = { positionX: 512, positionY: 437 };
    return {
      relativeTime: 1000,
      absTime: Math.floor(clock.now() / 1000),
      ruleName: faults.has('same-rule-names') ? 'Rule' : rule.name,
      ruleID: rule.id,
      ruleCalibType: { point: 0, region: 1, line: 2 }[rule.kind],
      presetNo: 0,
      thermometryUnit: faults.has('fahrenheit') ? 1 : 0,
      dataType: 0,
      isFreezedata: faults.has('frozen-temperatures'),
      ...(rule.kind === 'point'
        ? { PointThermCfg: { temperature: shown(rule.maximum), point } }
        : {
            LinePolygonThermCfg: {
              MaxTemperature: shown(rule.maximum),
              MinTemperature: shown(rule.minimum),
              AverageTemperature: shown(rule.average),
              TemperatureDiff: shown(rule.maximum) - shown(rule.minimum),
              MaximumTemperaturePoint: point,
            },
          }),
    };
  }

  const bodies = (): string[] =>
    faults.has('thermometry-single')
      ? rules.map((rule) => JSON.stringify({ ThermometryUpload: upload(rule) }))
      : [JSON.stringify({ ThermometryUploadList: { ThermometryUpload: rules.map(upload) } })];

  function send(): void {
    for (const socket of sockets) {
      if (faults.has('thermometry-silent') || faults.has('half-open')) continue;
      for (const text of bodies()) socket.write(frame({ text, contentType: 'application/json', pictures: [] }, faults));
    }
  }

  return {
    rules,
    has: (channel) => channel === (faults.has('thermometry-channel-1') ? 1 : 2),
    open(socket) {
      socket.write(
        `HTTP/1.1 200 OK\r\nDate: ${date()}\r\nConnection: close\r\nContent-Type: multipart/mixed; boundary=boundary\r\n\r\n`,
      );
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      timer ??= clock.every(everyMs, send, { background: true });
      send();
    },
    streams: () => sockets.size,
    cut() {
      for (const socket of sockets) socket.end();
    },
    close() {
      timer?.cancel();
      for (const socket of sockets) socket.destroy();
    },
  };
}
