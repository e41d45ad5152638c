import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { operationalError, userError } from '../../../engine/domain/errors';
import type { EventDraft } from '../../../engine/domain/events';
import { silentLog } from '../../../engine/domain/log';
import { readDocuments } from '../../../engine/drivers/hikvision/document';
import { createInputWatch, inputStatesIn } from '../../../engine/drivers/hikvision/input-watch';
import { createReader } from '../../../engine/drivers/hikvision/reader';

/** A device whose inputs are set by hand; null: it doesn't tell; an error: it can't be asked. */
function watched(all: Record<string, boolean> = {}) {
  const clock = new VirtualClock(0);
  const device: { input: boolean | null | Error; asked: number } = { input: true, asked: 0 };
  const told: string[] = [];
  const say = (d: EventDraft): void =>
    void told.push(`${d.phase} ${d.input}${d.quietMs === undefined ? '' : ` ${d.quietMs / 1_000} s`}`);
  const reader = createReader({
    setting: () => ({ timeZone: null, channels: null, family: null, near: 0 }),
    judge: () => ({ late: false, clockSuspect: false }),
    at: () => clock.monotonic(),
    isWatched: (draft) => watch.reads(draft.input),
  });
  const watch = createInputWatch({
    phases: reader.phases,
    async read() {
      device.asked++;
      if (device.input instanceof Error) throw device.input;
      return device.input;
    },
    readAll: async () => new Map(Object.entries(all)),
    deliver: say,
    clock,
    log: silentLog,
  });
  const alert = (state: 'active' | 'inactive'): void => {
    const body = Buffer.from(
      `<EventNotificationAlert><eventType>IO</eventType><eventState>${state}</eventState><inputIOPortID>1</inputIOPortID></EventNotificationAlert>`,
    );
    const part = { kind: 'part', headers: {}, contentType: 'application/xml', form: 'xml', body } as const;
    for (const finding of reader.read(part)) {
      if (finding.kind !== 'event') continue;
      say(finding.draft);
      watch.seen(finding.draft);
    }
  };
  return { clock, device, told, watch, alert };
}

describe('an input that tells only its beginning', () => {
  it('goes on for as long as the device says so, without a quiet time once it was read', async () => {
    const { clock, told, alert } = watched();
    alert('active');
    await clock.advance(8_000);
    alert('active');
    expect(told).toEqual(['start 1 10 s', 'refresh 1', 'refresh 1', 'refresh 1']);
  });

  it('is ended when the device calls it over', async () => {
    const { clock, device, told, alert } = watched();
    alert('active');
    await clock.advance(4_000);
    device.input = false;
    await clock.advance(4_000);
    expect(told).toEqual(['start 1 10 s', 'refresh 1', 'stop 1']);
    device.asked = 0;
    await clock.advance(60_000);
    expect(device.asked).toBe(0);
  });

  it.each([
    ['has no such state', null],
    ['refuses it to the user', userError('E_LOW_PRIVILEGE', 'no right')],
  ])('is left to its quiet time where the device %s', async (_why, answer) => {
    const { clock, device, told, alert } = watched();
    device.input = answer;
    alert('active');
    await clock.advance(60_000);
    expect(told).toEqual(['start 1 10 s']);
    expect(device.asked).toBe(1);
  });

  it('gets its quiet time back where the device stops telling', async () => {
    const { clock, device, told, alert } = watched();
    alert('active');
    await clock.advance(4_000);
    device.input = null;
    await clock.advance(4_000);
    expect(told).toEqual(['start 1 10 s', 'refresh 1', 'refresh 1 10 s']);
  });

  it('that is still active is not ended while the device is away, and no new start afterwards', async () => {
    const { clock, device, told, watch, alert } = watched();
    alert('active');
    await clock.advance(4_000);
    device.input = operationalError('E_DEVICE_OFFLINE', 'away');
    await clock.advance(300_000);
    device.input = true;
    watch.connected();
    await clock.advance(0);
    alert('active');
    expect(told).toEqual(['start 1 10 s', 'refresh 1', 'refresh 1', 'refresh 1']);
  });
});

describe('the inputs after a connection', () => {
  it('that are active are states, no edges; the others end what an earlier run left open', async () => {
    const { clock, told, watch } = watched({ 1: true, 2: false });
    watch.survey();
    await clock.advance(0);
    expect(told).toEqual(['snapshot 1', 'stop 2']);
  });

  it('say nothing of what is inactive a second time', async () => {
    const { clock, told, watch } = watched({ 2: false });
    watch.survey();
    await clock.advance(0);
    watch.survey();
    await clock.advance(0);
    expect(told).toEqual(['stop 2']);
  });

  it('are watched from then on', async () => {
    const { clock, device, told, watch } = watched({ 1: true });
    watch.survey();
    await clock.advance(0);
    device.input = false;
    await clock.advance(4_000);
    expect(told).toEqual(['snapshot 1', 'stop 1']);
  });

  it('do not overrule what the device has told meanwhile', async () => {
    const { clock, told, watch, alert } = watched({ 1: false });
    watch.survey();
    alert('active');
    await clock.advance(0);
    expect(told).toEqual(['start 1 10 s']);
  });
});

describe('the list of states', () => {
  const states = (xml: string) => [...inputStatesIn(readDocuments(Buffer.from(xml))[0]!)];
  const port = (id: string, type: string, state: string): string =>
    `<IOPortStatus><ioPortID>${id}</ioPortID><ioPortType>${type}</ioPortType><ioState>${state}</ioState></IOPortStatus>`;
  it.each([
    [
      `<IOPortStatusList>${port('1', 'input', 'active')}${port('1', 'output', 'inactive')}</IOPortStatusList>`,
      [['1', true]],
    ],
    [`<x:IOPortStatusList xmlns:x="urn:x">${port('2', 'Input', 'INACTIVE')}</x:IOPortStatusList>`, [['2', false]]],
    [port('3', 'input', 'active'), [['3', true]]],
    [`<IOPortStatusList>${port('4', 'input', 'perhaps')}${port('', 'input', 'active')}</IOPortStatusList>`, []],
    ['<IOPortStatusList/>', []],
  ])('is read: %s', (xml, expected) => expect(states(xml)).toEqual(expected));
});
