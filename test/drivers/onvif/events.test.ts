import { afterEach, describe, expect, it, vi } from 'vitest';
import { closeOnvif, connectedOnvif, defaultTiming, onvifOnline } from '../../support/connected-onvif';
import { until } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeOnvif);

const motion = (value: string) => ({
  topic: 'RuleEngine/CellMotionDetector/Motion',
  source: { VideoSourceConfigurationToken: 'VSC_0', VideoAnalyticsConfigurationToken: 'VAC_0', Rule: '000' },
  data: { IsMotion: value },
});

const onlyMotion = (told: string[]): string[] => told.filter((t) => t.startsWith('motion'));

describe('events by pull', () => {
  it('delivers a motion at once, with channel and rule as text', async () => {
    const { sim, sink } = await connectedOnvif({}, {}, defaultTiming);
    await until('online', onvifOnline(sink));
    await until('a pull waits', () => sim.state().events.pulls >= 2);
    const before = steadyClock.monotonic();
    sim.fire(motion('true'));
    await until('the alarm is there', () => sink.told().includes('motion start'));
    expect(steadyClock.monotonic() - before).toBeLessThan(250);
    expect(sink.events.at(-1)).toMatchObject({
      late: false,
      clockSuspect: false,
      draft: { channel: 1, rule: '000', vendorType: 'tns1:RuleEngine/CellMotionDetector/Motion' },
    });
    sim.fire(motion('true'));
    sim.fire(motion('false'));
    await until('the end is there', () => sink.told().includes('motion stop'));
    expect(onlyMotion(sink.told())).toEqual(['motion start', 'motion refresh', 'motion stop']);
  });

  it('tells what holds at subscription as a snapshot, not as a start', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    await until('states', () => sink.events.length >= 4);
    sim.setInput('001', true);
    await until('the start', () => sink.told().includes('digital-input start'));
    expect(sink.events.at(-1)?.draft).toMatchObject({ input: '001' });
    sim.forgetSubscriptions();
    await until('the snapshot', () => sink.told().includes('digital-input snapshot'));
    expect(sink.told().filter((t) => t === 'digital-input start')).toHaveLength(1);
  });

  it('ends at the new subscription what ended while it was away', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.setInput('000', true);
    await until('the start', () => sink.told().includes('digital-input start'));
    const known = sink.events.length;
    await sim.reboot(100).then(() => sim.setInput('000', false));
    await until('the end', () => sink.told().slice(known).includes('digital-input stop'));
    expect(sink.events.at(-1)?.draft.phase).not.toBe('start');
  });

  it('lets the quiet time run for what a device without synchronisation leaves open', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['no-synchronization'] });
    await until('online', onvifOnline(sink));
    sim.fire(motion('true'));
    await until('the start', () => sink.told().includes('motion start'));
    sim.forgetSubscriptions();
    await until('the refresh', () => sink.told().includes('motion refresh'));
    expect(sink.events.at(-1)?.draft.quietMs).toBe(10_000);
  });

  it('turns round the inputs that its dialog names, at the connect, too', async () => {
    const { sim, sink } = await connectedOnvif(
      { faults: ['input-events-inverted'] },
      { options: { invertedInputs: '000' } },
    );
    const of = (input: string): string[] =>
      sink.events.filter((e) => e.draft.input === input).map(({ draft }) => draft.phase);
    await until('both inputs have told their state', () => of('000').length > 0 && of('001').length > 0);
    expect([of('000'), of('001')]).toEqual([['stop'], ['snapshot']]);
    sim.setInput('000', true);
    await until('the start', () => of('000').length === 2);
    sim.setInput('000', false);
    await until('the end', () => of('000').length === 3);
    expect(of('000')).toEqual(['stop', 'start', 'stop']);
  });

  it('ends an input whose end was lost, and not one that is still active', async () => {
    const { sim, sink } = await connectedOnvif();
    const of = (input: string): string[] =>
      sink.events.filter((e) => e.draft.input === input).map(({ draft }) => draft.phase);
    await until('online', onvifOnline(sink));
    sim.setInput('000', true);
    sim.setInput('001', true);
    await until('both', () => of('000').at(-1) === 'start' && of('001').at(-1) === 'start');
    sim.faults.set('loses-messages');
    sim.setInput('001', false);
    await until('the end', () => of('001').at(-1) === 'stop');
    expect(of('000').at(-1)).toBe('start');
    expect(sim.state().events.created).toBe(1);
  });

  it('asks for no states while nothing is open', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    await pause(1_500);
    expect(sim.state().events.synchronizations).toBeLessThanOrEqual(1);
  });

  it('keeps motion apart from that of people, which ends by itself', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    const people = { topic: 'RuleEngine/MyRuleDetector/PeopleDetect', source: { VideoSource: '000' } };
    sim.fire(motion('true'));
    sim.fire({ ...people, data: { State: 'true' } });
    sim.fire({ ...people, data: { State: 'false' } });
    await until('the end', () => sink.told().includes('motion stop'));
    const moved = sink.events.filter((e) => e.draft.type === 'motion');
    expect(moved.map(({ draft }) => `${draft.phase} ${draft.condition ?? '-'}`)).toEqual([
      'start -',
      'start RuleEngine/MyRuleDetector/PeopleDetect',
      'stop RuleEngine/MyRuleDetector/PeopleDetect',
    ]);
  });

  it('keeps an intrusion until the last object has left', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    const inside = (id: string, value: string) =>
      sim.fire({
        topic: 'RuleEngine/FieldDetector/ObjectsInside',
        source: { VideoSource: '000', Rule: 'yard' },
        key: { ObjectId: id },
        data: { IsInside: value },
      });
    inside('7', 'true');
    inside('8', 'true');
    inside('7', 'false');
    inside('8', 'false');
    await until('the end', () => sink.told().includes('intrusion stop'));
    expect(sink.told().filter((t) => t.startsWith('intrusion'))).toEqual([
      'intrusion start',
      'intrusion refresh',
      'intrusion stop',
    ]);
  });

  it('ends a property that is deleted', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.fire(motion('true'));
    sim.fire({ ...motion('true'), operation: 'Deleted' });
    await until('the end', () => sink.told().includes('motion stop'));
  });

  it('leaves out the motion alarm that doubles a better topic', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.fire(motion('true'));
    sim.fire({ topic: 'VideoSource/MotionAlarm', source: { Source: '000' }, data: { State: 'true' } });
    sim.fire({
      topic: 'RuleEngine/LineDetector/Crossed',
      source: { VideoSource: '000' },
      data: { ObjectId: '1' },
      operation: null,
    });
    await until('the last', () => sink.told().includes('line-crossing pulse'));
    expect(onlyMotion(sink.told())).toEqual(['motion start']);
  });

  it('passes an unknown topic through under its path', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.fire({ topic: 'RuleEngine/acme:Unicorn/Seen', data: { Colour: 'pink' } });
    sim.fire({ topic: 'RuleEngine/acme:Unicorn/Near', data: { IsNear: 'true' } });
    await until('both', () => sink.told().some((t) => t.startsWith('vendor:RuleEngine/Unicorn/Near')));
    expect(sink.told().filter((t) => t.startsWith('vendor'))).toEqual([
      'vendor:RuleEngine/Unicorn/Seen pulse',
      'vendor:RuleEngine/Unicorn/Near start',
    ]);
  });

  it('keeps informational topics back unless they are asked for', async () => {
    const load = { topic: 'Monitoring/ProcessorUsage', data: { Value: '12' }, operation: null };
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.fire(load);
    sim.fire(motion('true'));
    await until('the motion', () => sink.told().includes('motion start'));
    expect(sink.told().join()).not.toMatch(/Monitoring/);
    const all = await connectedOnvif({}, { options: { informational: true } });
    await until('online', onvifOnline(all.sink));
    all.sim.fire(load);
    await until('the load', () => all.sink.told().includes('vendor:Monitoring/ProcessorUsage pulse'));
  });

  it('tells several channels apart by any of their tokens', async () => {
    const { sim, sink } = await connectedOnvif({ channels: 3 });
    await until('online', onvifOnline(sink));
    sim.fire({ topic: 'VideoSource/SignalLoss', source: { Source: '002' }, data: { State: 'true' } });
    sim.fire({
      topic: 'RuleEngine/TamperDetector/Tamper',
      source: { VideoAnalyticsConfigurationToken: 'VAC_1' },
      data: { IsTamper: 'true' },
    });
    sim.fire({
      topic: 'RuleEngine/LoiteringDetector/ObjectIsLoitering',
      source: { VideoSource: 'nowhere' },
      data: { State: 'true' },
    });
    await until('all', () => sink.told().includes('loitering start'));
    expect(sink.events.filter((e) => e.draft.phase === 'start').map((e) => [e.draft.type, e.draft.channel])).toEqual([
      ['video-loss', 3],
      ['tamper', 2],
      ['loitering', undefined],
    ]);
  });

  it('hands every answer to a raw capture as it came', async () => {
    const { sim, sink, parts } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.fire(motion('true'));
    await until('the motion', () => sink.told().includes('motion start'));
    expect(parts.some((p) => p.bytes.includes('CellMotionDetector') && p.contentType?.includes('soap'))).toBe(true);
  });
});

describe('odd messages', () => {
  const harmless = [
    'odd-prefixes',
    'joined-topics',
    'topic-blanks',
    'numeric-booleans',
    'word-booleans',
    'capital-booleans',
    'no-zone',
    'always-initialized',
    'value-as-text',
    'leading-blank-line',
    'byte-order-mark',
    'garbage-behind',
    'broken-message',
    'many-namespaces',
    'one-byte-chunks',
    'lost-length',
    'close-after-answer',
    'internal-addresses',
    'several-addresses',
    'relative-addresses',
    'no-get-services',
    'reference-parameters',
    'max-timeout',
    'max-messages',
    'renew-unsupported',
    'termination-equals-current',
    'manager-404',
    'no-times',
    'wants-moment',
    'wants-no-time',
    'immediate-answers',
    'no-synchronization',
    'fault-in-200',
    'fault-in-500',
    'soap-1.1-faults',
    'media2-only',
    'no-video-sources',
    'garbage-answer-once',
    'clock-needs-login',
    'old-times',
  ];
  it.each(harmless)('understands a device with the fault %s', async (fault) => {
    const { sim, sink } = await connectedOnvif({ faults: [fault] });
    await until('online', onvifOnline(sink));
    await until('it is pulled', () => sim.state().events.pulls >= 1);
    const synchronizes = !/^(no-synchronization|manager-404)$/.test(fault);
    if (synchronizes) await until('it has told its states', () => sim.state().events.synchronizations >= 1);
    await pause(50);
    // Told at subscription, so that a change of the same property is one.
    sim.fire({ topic: 'Device/Trigger/tnshik:AlarmIn', source: { AlarmInToken: '007' }, data: { State: 'false' } });
    sim.fire({ topic: 'Device/Trigger/tnshik:AlarmIn', source: { AlarmInToken: '007' }, data: { State: 'true' } });
    sim.fire({ topic: 'Device/Trigger/tnshik:AlarmIn', source: { AlarmInToken: '007' }, data: { State: 'false' } });
    const ours = () => sink.events.filter((e) => e.draft.input === '007');
    await until('the end', () => ours().filter((e) => e.draft.phase === 'stop').length === 2);
    expect(ours().map((e) => e.draft.phase)).toEqual(['stop', 'start', 'stop']);
    expect(ours().map((e) => e.late)).toEqual([false, false, false]);
    expect(sink.told().filter((t) => / start$/.test(t))).toHaveLength(1);
  });

  it('reads several messages in one notification', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['several-messages'] });
    await until('online', onvifOnline(sink));
    sim.fire({ topic: 'Device/SecurityPolicy/AuthFailed', data: { User: 'x' }, operation: null });
    await until('both', () => sink.told().filter((t) => t === 'login-failure pulse').length === 2);
  });

  it('takes a state without property operation as one that may never end', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['no-operation'] });
    await until('online', onvifOnline(sink));
    sim.fire(motion('true'));
    await until('the start', () => sink.told().includes('motion start'));
    expect(sink.events.at(-1)?.draft.quietMs).toBe(10_000);
  });

  it('marks a message that waited in the device as late, by the device’s own time', async () => {
    const { sim, sink } = await connectedOnvif({ clockOffsetMs: -86_400_000_000 });
    await until('online', onvifOnline(sink));
    expect(sink.offsets.at(-1)).toBeLessThan(-86_000_000_000);
    sim.fire(motion('true'));
    sim.fire({ ...motion('true'), source: { Rule: 'b' }, at: Date.now() - 86_400_000_000 - 300_000 });
    await until('both', () => onlyMotion(sink.told()).length === 2);
    expect(sink.events.filter((e) => e.draft.type === 'motion').map((e) => e.late)).toEqual([false, true]);
  });

  it('does not trust a time that cannot be meant', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['old-times'] });
    await until('online', onvifOnline(sink));
    sim.fire(motion('true'));
    await until('the motion', () => sink.told().includes('motion start'));
    expect(sink.events.at(-1)).toMatchObject({ late: false, clockSuspect: true, draft: { deviceAt: null } });
  });
});
