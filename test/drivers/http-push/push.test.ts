import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { decodeHttpPush, greyPicture, type SenderFault, type SenderForm } from '../../../engine/drivers/http-push';
import { closeSites, pushSite, wholeMapping } from './site';

afterEach(closeSites);

const event = {
  type: 'motion',
  phase: 'start',
  channel: 2,
  input: '1',
  rule: 'Gate',
  target: 'Person',
  temperature: '071.5',
  unit: 'F',
  time: '2026-11-21T10:00:00Z',
  description: 'Somebody at the gäte',
};
const understood = {
  type: 'motion',
  vendorType: 'motion',
  phase: 'start',
  channel: 2,
  input: '1',
  rule: 'Gate',
  target: 'human',
  temperature: { unit: 'fahrenheit', value: 71.5 },
  deviceTime: '2026-11-21T10:00:00Z',
  deviceAt: Date.UTC(2026, 10, 21, 10),
  description: 'Somebody at the gäte',
};

const places: Record<string, (field: string) => string[]> = {
  json: (f) => [`$.${f}`],
  wrapped: (f) => [`$.Notification.event.${f}`],
  xml: (f) => [`/event/${f}`],
  report: (f) => [`/report/event/${f}`],
  form: (f) => [`form:${f}`],
  query: (f) => [`query:${f}`],
  text: (f) => [`text:/^${f}: (.*)$/`],
};

const cases: [SenderForm, keyof typeof places, SenderFault[]][] = [
  ['json', 'json', []],
  ['json', 'json', ['one-byte-chunks']],
  ['json', 'json', ['nul-behind']],
  ['json', 'json', ['byte-order-mark']],
  ['json', 'json', ['sloppy-json']],
  ['json', 'json', ['wrong-content-type']],
  ['json', 'json', ['no-content-type']],
  ['json', 'json', ['gzip']],
  ['json', 'json', ['gzip-unsaid']],
  ['json', 'json', ['latin1']],
  ['json-wrapped', 'wrapped', []],
  ['json-list', 'json', []],
  ['xml', 'xml', []],
  ['xml', 'xml', ['lf-only']],
  ['xml', 'report', ['namespaces']],
  ['xml', 'xml', ['blank-line-first']],
  ['xml', 'xml', ['nul-behind', 'byte-order-mark']],
  ['xml', 'xml', ['no-content-type']],
  ['xml-list', 'report', []],
  ['form', 'form', []],
  ['form', 'form', ['no-content-type']],
  ['form-json', 'json', []],
  ['form-json', 'json', ['no-content-type']],
  ['form-escaped', 'json', []],
  ['multipart', 'form', []],
  ['multipart', 'form', ['lf-only']],
  ['multipart', 'form', ['lost-boundary']],
  ['multipart', 'form', ['no-content-type', 'one-byte-chunks']],
  ['text', 'form', []],
  ['text', 'text', []],
  ['text', 'text', ['lf-only', 'latin1']],
  ['picture', 'query', []],
  ['query', 'query', []],
];

describe('a push of any form', () => {
  it.each(cases)('comes out as the mapping says: %s by %s with %j', async (form, place, faults) => {
    const { sender, receiver } = await pushSite({ mapping: wholeMapping(places[place]!) });
    for (const fault of faults) sender.faults.set(fault);
    expect(await sender.fire(form, event)).toMatchObject({ status: 200 });
    expect(receiver.events[0]?.draft).toMatchObject(understood);
    expect(receiver.events).toHaveLength(1);
  });

  it.each(['multipart', 'picture'] as const)('brings the pictures of a %s with its event', async (form) => {
    const { sender, receiver } = await pushSite({ mapping: 'type = form:type\ntype = query:type' });
    await sender.fire(form, event);
    expect(receiver.events[0]?.pictures.map((p) => p.bytes)).toEqual([greyPicture]);
  });

  it('brings a picture that stands in a field in base64', async () => {
    const { sender, receiver } = await pushSite({ mapping: 'type = $.type\npicture = $.image' });
    await sender.fire('json-base64', event);
    expect(receiver.events[0]?.pictures).toEqual([{ contentType: 'image/jpeg', bytes: greyPicture }]);
  });

  it('keeps to the parts that are named as pictures', async () => {
    const { sender, receiver } = await pushSite({ mapping: 'type = form:type\npicture = part:other' });
    await sender.fire('multipart', event);
    expect(receiver.events[0]?.pictures).toEqual([]);
  });

  it('makes one event of each item of a list', async () => {
    const { sender, receiver } = await pushSite({
      each: '/report/event',
      mapping: 'type = /event/type\nchannel = /event/channel',
    });
    await sender.fire('xml-list', { type: 'motion', channel: 1 }, { type: 'fire', channel: 2 });
    expect(receiver.events.map(({ draft }) => [draft.type, draft.channel])).toEqual([
      ['motion', 1],
      ['fire', 2],
    ]);
  });

  it('makes one event of each item of a bare JSON list', async () => {
    const { sender, receiver } = await pushSite();
    await sender.fire('json-list', { type: 'motion' }, { nothing: 1 }, { type: 'smoke' });
    expect(receiver.told()).toEqual(['motion pulse', 'smoke pulse']);
  });

  it('reads path, header and constant', async () => {
    const { sender, receiver } = await pushSite({
      mapping: 'type = "intrusion"\nphase = path:-1\nrule = header:x-rule\nchannel = path:1',
    });
    await sender.fireRaw({ suffix: '/7/start', headers: { 'X-Rule': 'North fence' } });
    expect(receiver.events[0]?.draft).toMatchObject({
      type: 'intrusion',
      phase: 'start',
      rule: 'North fence',
      channel: 7,
    });
  });
});

describe('the words of a sender', () => {
  it('become types by the table, by the canonical list, else pass as vendor:', async () => {
    const { sender, receiver } = await pushSite({ types: 'Bewegung am Tor = motion\nA=B = fire' });
    for (const type of ['bewegung am tor', 'A=B', 'Smoke', 'Gate ajar', 'source-offline', '__proto__'])
      await sender.fire('json', { type });
    expect(receiver.told().map((t) => t.replace(' pulse', ''))).toEqual([
      'motion',
      'fire',
      'smoke',
      'vendor:Gate ajar',
      'vendor:source-offline',
      'vendor:__proto__',
    ]);
  });

  it('a repeated start is a refresh until its end', async () => {
    const { sender, receiver } = await pushSite();
    for (const phase of ['on', 'ACTIVE', 'off', '1', 'pulse']) await sender.fire('form', { type: 'motion', phase });
    expect(receiver.told()).toEqual(['motion start', 'motion refresh', 'motion stop', 'motion start', 'motion pulse']);
  });

  it('a word for no phase neither raises nor ends anything', async () => {
    const { sender, receiver } = await pushSite();
    expect(await sender.fire('form', { type: 'motion', phase: 'perhaps' })).toMatchObject({ status: 400 });
    expect(receiver.events).toEqual([]);
    expect(receiver.refusals[0]).toContain('"perhaps" is in no list of words');
  });

  it.each([
    ['21,5 °C', { unit: 'celsius', value: 21.5 }],
    ['300K', { unit: 'kelvin', value: 300 }],
    ['-40', { unit: 'celsius', value: -40 }],
    ['.5', { unit: 'celsius', value: 0.5 }],
    ['NaN', undefined],
    ['-', undefined],
    ['99999', undefined],
  ])('a temperature "%s" is read as %j', async (temperature, expected) => {
    const { sender, receiver } = await pushSite({ mapping: 'type = "temperature-alarm"\ntemperature = form:t' });
    await sender.fire('form', { t: temperature });
    expect(receiver.events[0]?.draft.temperature).toEqual(expected);
    expect(receiver.events[0]?.draft.level).toBe('alarm');
  });

  it('a time that is far from ours is marked as suspect, never dropped', async () => {
    const { sender, receiver } = await pushSite({ mapping: 'type = form:type\ntime = form:time' });
    await sender.fire('form', { type: 'motion', time: '1970-01-01T00:00:10Z' });
    await sender.fire('form', { type: 'motion', time: 'teatime' });
    expect(receiver.events.map((e) => [e.draft.deviceTime, e.clockSuspect, e.late])).toEqual([
      ['1970-01-01T00:00:10Z', true, false],
      ['teatime', true, false],
    ]);
  });

  it('the quiet time goes with starts and pulses', async () => {
    const { sender, receiver } = await pushSite({ quietSeconds: 2.5 });
    await sender.fire('form', { type: 'motion' });
    await sender.fire('form', { type: 'motion', phase: 'off' });
    expect(receiver.events.map((e) => e.draft.quietMs)).toEqual([2_500, undefined]);
  });
});

describe('a push that matches nothing', () => {
  it.each<[SenderForm, SenderFault | null, string]>([
    ['json', 'cut-body', 'closing quote'],
    ['xml', 'cut-body', 'no readable XML'],
    ['xml', 'doctype', 'DOCTYPE'],
    ['json', 'zip-bomb', 'more than 8388608 bytes'],
    ['json', 'get', 'GET is not taken here'],
    ['text', null, 'no place of "type"'],
  ])('is refused with the reason: %s with %s', async (form, fault, reason) => {
    const { sender, receiver } = await pushSite({ mapping: 'type = $.type\ntype = /event/type' });
    if (fault) sender.faults.set(fault);
    expect((await sender.fire(form, event)).status).toBe(400);
    expect(receiver.refusals[0]).toContain(reason);
    expect(receiver.events).toEqual([]);
  });

  it('becomes an event where the settings say so', async () => {
    const { sender, receiver } = await pushSite({ unmatched: 'event', mapping: 'type = $.nothing' });
    await sender.fire('json', event);
    expect(receiver.told()).toEqual(['vendor:push pulse']);
    expect(receiver.events[0]?.draft.description).toContain('no place of "type"');
  });

  it('is a mere sign of life where the settings say so', async () => {
    const { sender, receiver, sink } = await pushSite({ unmatched: 'ignore', mapping: 'type = $.nothing' });
    expect((await sender.fire('json', event)).status).toBe(200);
    expect(receiver.events).toEqual([]);
    expect(sink.links.at(-1)?.link).toBe('online');
  });

  it('GET is taken where the settings allow it', async () => {
    const { sender, receiver } = await pushSite({ methods: 'get', mapping: 'type = query:type' });
    sender.faults.set('get');
    await sender.fire('query', { type: 'motion' });
    expect(receiver.told()).toEqual(['motion pulse']);
  });
});

describe('recent bodies', () => {
  it('that make no event are told to the operator, for a while', async () => {
    const clock = new VirtualClock(Date.UTC(2026, 0, 1));
    const { sender, connection, sink } = await pushSite({ mapping: 'type = $.kind' }, clock);
    await sender.fire('json', { type: 'motion', password: 'hunter2' });
    expect(sink.links.at(-1)).toMatchObject({ link: 'online' });
    expect(sink.links.at(-1)?.detail).toMatch(/no place of "type" holds anything/);
    expect((await connection.probe(new AbortController().signal)).warnings.join()).toMatch(/made no event/);
    await sender.fire('json', { kind: 'motion' });
    expect(sink.links.at(-1)?.detail).toMatch(/not all makes an event/);
    await clock.advance(11 * 60_000);
    await sender.fire('json', { kind: 'motion' });
    expect(sink.links.at(-1)?.detail).toBe('Pushes its events');
  });

  it('of which some items make no event say so', async () => {
    const { sender, receiver, sink } = await pushSite();
    await sender.fire('json-list', { type: 'motion' }, { nothing: 1 }, { type: 'smoke' });
    expect(receiver.told()).toEqual(['motion pulse', 'smoke pulse']);
    expect(sink.links.at(-1)?.detail).toMatch(/1 of the items of a push were left out: no place of "type"/);
    await sender.fire('json-list', ...Array.from({ length: 501 }, () => ({ type: 'motion' })));
    expect(sink.links.at(-1)?.detail).toMatch(/left out: only 500 of 501 items are taken/);
  });

  it('hold the last pushes, refused ones as well, without secrets', async () => {
    const { sender, connection } = await pushSite({ recent: 3 });
    sender.faults.set('secret-fields');
    for (const form of ['json', 'xml', 'form', 'multipart', 'text', 'query'] as const) await sender.fire(form, event);
    const shown = connection.recent().map((part) => part.bytes.toString('utf8'));
    expect(shown).toHaveLength(3);
    for (const text of shown) {
      expect(text).toContain('motion');
      expect(text).not.toMatch(/hunter2|K-12345|abcdef/);
    }
  });

  it.each(['json', 'xml', 'form', 'multipart', 'text', 'query'] as const)('show no secret of %s', async (form) => {
    const { sender, connection, receiver } = await pushSite({ unmatched: 'event' });
    sender.faults.set('secret-fields');
    await sender.fire(form, event);
    const shown = connection.recent()[0]?.bytes.toString('utf8') ?? '';
    expect(shown).toMatch(/password[\s\S]*\[removed\]/);
    expect(shown).not.toMatch(/hunter2|K-12345|abcdef/);
    expect(receiver.events[0]?.draft.raw).not.toMatch(/hunter2|K-12345/);
  });

  it.each(['json', 'xml', 'form', 'text'] as const)('are read by decode again: %s', async (form) => {
    const mapping = wholeMapping((f) => [`$.${f}`, `/event/${f}`, `form:${f}`]);
    const { sender, connection } = await pushSite({ mapping });
    await sender.fire(form, event);
    const part = connection.recent()[0]!;
    const found = [];
    for await (const line of decodeHttpPush(chunksOf(part.bytes), part.contentType, { mapping })) found.push(line);
    expect(found).toMatchObject([{ kind: 'event', event: understood }]);
  });
});

describe('a capture', () => {
  it('is read by decode: several requests one after another', async () => {
    const mapping = 'type = form:type\ntype = query:type\ntype = $.type';
    const { sender, captured } = await pushSite({ mapping });
    for (const form of ['multipart', 'picture', 'json'] as const) await sender.fire(form, event);
    await sender.fire('json', { nothing: 1 });
    const found = [];
    const bytes = Buffer.concat(captured.map((part) => part.bytes));
    for await (const line of decodeHttpPush(chunksOf(bytes), 'message/http', { mapping })) found.push(line);
    expect(found.map((line) => line.kind)).toEqual(['event', 'picture', 'event', 'picture', 'event', 'fault']);
  });
});

describe('the link of a sender', () => {
  it('is online by its pushes', async () => {
    const { sender, sink } = await pushSite();
    await sender.fire('json', event);
    expect(sink.links.at(-1)?.link).toBe('online');
  });

  it('waits, and is not missing, while nothing was pushed', async () => {
    const { sink, connection } = await pushSite();
    expect(sink.links.map((l) => l.link)).toEqual(['connecting']);
    expect((await connection.probe(new AbortController().signal)).warnings[0]).toContain('Nothing has been pushed');
  });

  it('refuses actions: there is nothing to reach', async () => {
    const { connection } = await pushSite();
    await expect(connection.setOutput('1', true, new AbortController().signal)).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
      family: 'user',
    });
  });
});

async function* chunksOf(bytes: Buffer): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}
