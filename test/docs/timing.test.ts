/** Plays every row of docs/timing.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Alarms, createAlarms } from '../../engine/alarms';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import type { AreaDefinition } from '../../engine/domain/arming';
import type { DeviceEvent, EventPhase } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import type { HoldPolicy } from '../../engine/domain/outputs';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import { createOutputs } from '../../engine/outputs';
import { alarmEvent } from '../support/alarm-events';
import { alarmTrigger, memoryRecord, virtualTimers } from '../support/alarm-record';

const START = 1_780_315_200_000;

interface Settings {
  policy: Partial<AlarmPolicy>;
  hold: HoldPolicy;
  flood: AreaDefinition['flood'];
}

const ms = (seconds: string | undefined): number => Math.round(Number(seconds) * 1_000);

/** The clauses of the first column; an unknown one is an error of the document. */
const clauses: [RegExp, (settings: Settings, found: RegExpExecArray) => void][] = [
  [/^filtering time ([\d.]+) s$/, ({ policy }, [, s]) => (policy.onDelayMs = ms(s))],
  [
    /^(\d+) starts within ([\d.]+) s$/,
    ({ policy }, [, n, s]) => (policy.repeat = { count: Number(n), withinMs: ms(s) }),
  ],
  [
    /^anti-dither ([\d.]+) s( sliding)?$/,
    ({ policy }, [, s, sliding]) =>
      Object.assign(policy, { antiDitherMs: ms(s), antiDitherMode: sliding === undefined ? 'fixed' : 'sliding' }),
  ],
  [/^off-delay ([\d.]+) s$/, ({ policy }, [, s]) => (policy.offDelayMs = ms(s))],
  [/^quiet time ([\d.]+) s$/, ({ policy }, [, s]) => (policy.quietMs = ms(s))],
  [/^post-alarm ([\d.]+) s$/, (settings, [, s]) => (settings.hold = { ...settings.hold, afterClearMs: ms(s) })],
  [/^post-alarm until cleared$/, (settings) => (settings.hold = { ...settings.hold, afterClearMs: null })],
  [
    /^remind every ([\d.]+) s until (acknowledged|cleared)(?:, at most (\d+))?$/,
    ({ policy }, [, s, until, most]) =>
      (policy.remind = {
        everyMs: ms(s),
        until: until as 'acknowledged' | 'cleared',
        most: most === undefined ? null : Number(most),
      }),
  ],
  [/^one alarm per rule$/, ({ policy }) => (policy.keyParts = ['device', 'channel', 'input', 'type', 'rule'])],
  [/^one alarm per object$/, ({ policy }) => (policy.keyParts = ['device', 'channel', 'input', 'type', 'object'])],
  [
    /^flood (\d+) in ([\d.]+) s$/,
    (settings, [, n, s]) => {
      settings.flood = { raises: Number(n), withinMs: ms(s) };
      settings.policy.areaId = 'hall';
    },
  ],
  [/^never grouped$/, ({ policy }) => (policy.flood = 'exempt')],
];

function settingsOf(text: string): Settings {
  const settings: Settings = { policy: {}, hold: { afterClearMs: 0, capMs: null }, flood: null };
  for (const clause of text.split(';').map((part) => part.trim())) {
    if (clause === '') continue;
    const known = clauses.find(([form]) => form.test(clause));
    if (known === undefined) throw new Error(`docs/timing.md: no such setting: ${clause}`);
    known[1](settings, known[0].exec(clause) as RegExpExecArray);
  }
  return settings;
}

const seconds = (at: number): number => Math.round(at - START) / 1_000;

/** Runs one train through alarms, a relay and people; answers with the third column. */
async function play({ policy, hold, flood }: Settings, train: string): Promise<string> {
  const clock = new VirtualClock(START);
  const record = memoryRecord();
  const timers = virtualTimers(clock);
  const told: { at: number; what: string }[] = [];
  const tell = (what: string): void => void told.push({ at: seconds(clock.now()), what });
  let on = false;
  let alarms: Alarms | null = null;
  const outputs = createOutputs({
    writer: record,
    clock,
    log: silentLog,
    timers,
    devices: {
      device() {
        throw new Error('the relay is never driven in these examples');
      },
    },
    requestReconcile() {},
    alarm: (id) => alarms?.alarm(id),
    holdEnded: (id) => void alarms?.holdEnded(id),
    announce() {
      const desired = outputs.list()[0]?.desired === true;
      if (desired !== on) tell(desired ? 'on' : 'off');
      on = desired;
    },
  });
  alarms = createAlarms({
    writer: record,
    clock,
    log: silentLog,
    timers,
    holds: outputs,
    siteName: 'Home',
    announce({ kind, data }) {
      const decisions = kind === 'event' ? data.decisions : kind === 'decision' ? [data] : [];
      for (const { outcome, reason, eventId } of decisions) {
        if (outcome === 'refused') tell(`refused ${reason}`);
        else if (outcome === 'merged') tell('merged');
        else if (outcome === 'pending' && reason === 'on-delay' && eventId !== null) tell(`waits ${reason}`);
      }
    },
    deviceName: (id) => id,
  });
  const deliver = (message: AlarmMessage): void => {
    const { phase, flood: mark, floodNotice } = message.alarm;
    if (floodNotice !== undefined) tell(`notice for ${mark?.raises}`);
    else if (phase === 'raise' && mark?.grouped) tell('grouped');
    else if (phase !== 'end') tell(phase);
    void outputs.request({
      nodeId: 'relay',
      nodeName: 'Siren',
      deviceId: 'cam1',
      output: '1',
      alarm: message.alarm,
      messageId: message.messageId,
      condition: message.payload,
      topic: message.topic,
      hold,
    });
  };
  alarms.resume(record.resume(), true);
  outputs.resume(record.resume());
  await alarms.defineArea({
    id: 'hall',
    name: 'Hall',
    covers: 'area',
    scheduleId: null,
    exitDelayMs: 0,
    entryDelayMs: 0,
    atDisarm: 'end',
    unattended: 'force',
    inputs: [],
    flood,
  });
  await alarms.defineTrigger(alarmTrigger(policy), deliver);
  await outputs.define({ nodeId: 'relay', deviceId: 'cam1', output: '1', name: 'Siren' });
  await outputs.flowsStarted();
  await alarms.flowsStarted();

  for (const step of train.split(',').map((part) => part.trim())) {
    const [, second, what = ''] = /^([\d.]+) (.+)$/.exec(step) ?? [];
    if (second === undefined) throw new Error(`docs/timing.md: not understood: ${step}`);
    await clock.advanceTo(START + ms(second));
    await act(alarms, clock, what);
    await clock.advance(0);
  }
  await clock.advance(1_000_000);
  timers.stop();
  alarms.close();
  // The relay last of what happens at one moment: whether its lease or its message is told first means nothing.
  const rank = (what: string): number => (what === 'on' || what === 'off' ? 1 : 0);
  told.sort((a, b) => a.at - b.at || rank(a.what) - rank(b.what));
  return told.map(({ at, what }) => `${at} ${what}`).join(', ');
}

async function act(alarms: Alarms, clock: VirtualClock, what: string): Promise<void> {
  const event = /^(late )?(start|stop|refresh|pulse)(?: channel (\d+))?(?: object (\d+))?(?: rule (\d+))?$/.exec(what);
  if (event !== null) {
    const [, late, phase, channel, objectId, rule] = event;
    const fields: Partial<DeviceEvent> = {
      phase: phase as EventPhase,
      receivedAt: clock.now(),
      channel: Number(channel ?? 1),
      ...(objectId === undefined ? {} : { objectId }),
      ...(rule === undefined ? {} : { rule }),
      late: late !== undefined,
    };
    return alarms.accept(alarmEvent(fields));
  }
  const shelve = /^shelve (?:([\d.]+) s|once)$/.exec(what);
  const alarmId = alarms.live()[0]?.id ?? '';
  if (shelve !== null) {
    const forMs = shelve[1] === undefined ? null : ms(shelve[1]);
    await alarms.shelving.shelve({ scope: 'trigger', id: 't1', forMs, reason: '' }, 'anna');
  } else if (what === 'unshelve') await alarms.shelving.unshelve(alarms.shelving.list()[0]?.id ?? '', 'anna');
  else if (what === 'acknowledge') await alarms.acknowledge(alarmId, 'anna');
  else if (what === 'reset') await alarms.reset(alarmId, 'anna');
  else throw new Error(`docs/timing.md: not understood: ${what}`);
}

/** `[section, settings, train, happens]` of every row. */
function rows(): [string, string, string, string][] {
  const found: [string, string, string, string][] = [];
  let section = '';
  for (const line of readFileSync(join(__dirname, '..', '..', 'docs', 'timing.md'), 'utf8').split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    const cells = line.startsWith('|') ? line.split('|').slice(1, -1) : [];
    const [settings = '', train = '', happens = ''] = cells.map((cell) => cell.trim());
    if (cells.length !== 3 || settings === 'Settings' || settings.startsWith('---')) continue;
    found.push([section, settings, train, happens]);
  }
  return found;
}

describe('docs/timing.md', () => {
  it('has examples for every timing field', () => {
    expect(rows().length).toBeGreaterThan(40);
    expect(new Set(rows().map(([section]) => section)).size).toBeGreaterThanOrEqual(11);
  });

  it.each(rows())('%s: %s | %s', async (_section, settings, train, happens) => {
    expect(await play(settingsOf(settings), train)).toBe(happens);
  });
});
