import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { AlarmflowError } from '../../../engine/domain/errors';
import { decodeHttpPush, httpPushDriver, readBody } from '../../../engine/drivers/http-push';
import { understandPush } from '../../../engine/drivers/http-push/connection';
import { compileMapping, readHttpPushOptions } from '../../../engine/drivers/http-push/options';
import { withoutSecrets } from '../../../engine/drivers/http-push/redaction';
import { readSloppyJson } from '../../../engine/drivers/http-push/sloppy-json';
import { cpuTime } from '../wire/cpu-time';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const read = (options: Record<string, unknown>): Record<string, unknown> => readHttpPushOptions(options);

/** Type that a place leads to in this body. */
function typeAt(place: string, body: string, contentType = 'application/json'): string {
  const mapping = compileMapping(read({ mapping: `type = ${place}` }));
  const request = { method: 'POST', path: '/', headers: { 'content-type': contentType }, body: Buffer.from(body) };
  return understandPush(mapping, request, null, 0)
    .map(({ draft }) => draft.vendorType)
    .join();
}

describe('a place in a document', () => {
  it.each([
    ['$.a.b', '{"a":{"b":"x"}}'],
    ["$['a b'].c", '{"a b":{"c":"x"}}'],
    ['$.a[1]', '{"a":["y","x"]}'],
    ['$.a[*].t', '{"a":[{"u":1},{"t":"x"}]}'],
    ['$.a.t', '{"a":[{"t":"x"}]}'],
    ['$.a[0].t', '{"a":{"t":"x"}}'],
    ['$..t', '{"a":{"b":[{"t":"x"}]}}'],
    ['$.__proto__.t', '{"__proto__":{"t":"x"}}'],
  ])('%s leads to x in %s', (place, body) => {
    expect(typeAt(place, body)).toBe('x');
  });

  it.each([
    ['/a/t', '<a><t> x </t></a>'],
    ['//t', '<a><b><n:t xmlns:n="u">x</n:t></b></a>'],
    ['/a/b[2]/t', '<a><b><t>y</t></b><b><t>x</t></b></a>'],
    ['/a/b/@t', '<a><b t="x"/></a>'],
    ['/a/*/t', '<a><b/><c><t>x</t></c></a>'],
    ['/n:a/t', '<a><t>x</t></a>'],
  ])('%s leads to x in %s', (place, body) => {
    expect(typeAt(place, body, 'text/xml')).toBe('x');
  });

  it('leads from an item to the top with $$', () => {
    const mapping = compileMapping(read({ each: '$.list[*]', mapping: 'type = $.t\nrule = $$.site' }));
    const body = Buffer.from('{"site":"S","list":[{"t":"a"},{"t":"b"}]}');
    const found = understandPush(mapping, { method: 'POST', path: '/', headers: {}, body }, null, 0);
    expect(found.map(({ draft }) => [draft.vendorType, draft.rule])).toEqual([
      ['a', 'S'],
      ['b', 'S'],
    ]);
  });
});

describe('a form with JSON in its fields', () => {
  it.each([
    ['form:type', 'type=x&regions=[1,2,3]'],
    ['form:type', 'type=x&meta={"a":1}&more={"b":2}'],
    ['form:type', 'type=x&meta={"a":1}'],
    ['form:type', 'type=x&meta={broken'],
    ['$.type', 'payload={"type":"x"}&version=2'],
    ['$.type', '[{"type":"x"},{"no":1}]'],
    ['$.type', 'events=[{"type":"x"}]'],
  ])('is one event by %s of %s', (place, body) => {
    expect(typeAt(place, body, 'application/x-www-form-urlencoded')).toBe('x');
  });
});

describe('a push of many items', () => {
  it('looks up once what is the same for all of them', () => {
    const mapping = compileMapping(
      read({ each: '$.list[*]', mapping: 'type = $.t\nrule = $$..deep\nchannelName = text:/(.*)(.*)(.*)=never/' }),
    );
    const list = Array.from({ length: 500 }, () => '{"t":"a"}').join();
    const filler = Array.from({ length: 20_000 }, () => '{"x":1}').join();
    const body = Buffer.from(`{"list":[${list}],"filler":[${filler}],"deep":"d"}`);
    let found: ReturnType<typeof understandPush> = [];
    const spent = cpuTime(() => {
      found = understandPush(mapping, { method: 'POST', path: '/', headers: {}, body }, null, 0);
    });
    expect(found).toHaveLength(500);
    expect(found[499]?.draft.rule).toBe('d');
    expect(spent).toBeLessThan(2_000);
  });
});

describe('settings', () => {
  it.each([
    [{ mapping: 'colour = $.a' }, 'colour = $.a'],
    [{ mapping: 'type : $.a' }, 'type : $.a'],
    [{ mapping: 'type = $.a[' }, '$.a['],
    [{ mapping: 'type = somewhere' }, 'tells no place'],
    [{ mapping: 'type = text:/(a)\\1/' }, 'refers back'],
    [{ mapping: 'type = /a/@b/c' }, '/@attribute at the end'],
    [{ types: 'x = nothing-known' }, 'is no event type'],
    [{ types: 'x = source-offline' }, 'is no event type'],
    [{ starts: 'on', stops: 'on' }, 'stands for'],
    [{ methods: 'DELETE' }, 'POST, PUT, GET'],
    [{ quietSeconds: -1 }, '"quietSeconds"'],
    [{ answerStatus: 302 }, '"answerStatus"'],
    [{ answerType: 'x\r\ny' }, 'media type'],
    [{ defaultPhase: 'maybe' }, 'pulse, start'],
    [{ each: 'form:x' }, '"each"'],
    [{ unknown: 1 }, '"unknown" is no setting'],
    [{ recent: 51 }, '"recent"'],
  ])('%j are refused, naming what is wrong', (options, named) => {
    expect(() => read(options)).toThrow(expect.objectContaining({ code: 'E_DEVICE_OPTIONS', family: 'user' }));
    expect(() => read(options)).toThrow(named);
  });

  it('are those of the dialog where none are given', () => {
    const fields = httpPushDriver.dialog?.fields ?? [];
    expect(read({})).toEqual(Object.fromEntries(fields.map((field) => [field.name, field.value])));
    expect(read(read({}))).toEqual(read({}));
  });

  it('take lines as a list too', () => {
    expect(read({ mapping: ['type = $.a', '# a comment', ''] }).mapping).toBe('type = $.a\n# a comment\n');
  });
});

describe('sloppy JSON', () => {
  it.each([
    ['{"a":007}', '007'],
    ['{"a":12345678901234567890}', '12345678901234567890'],
    ["{a:'x'}", 'x'],
    ['{"a":"C:\\data",}', 'C:\\data'],
    ['{"a":"\\u00e9\\n"}', 'é\n'],
    ['\ufeff {"a" : true}\0\0', 'true'],
    ['{"a":1}{"b":2}', '1'],
  ])('%j is read', (text, a) => {
    const reading = readSloppyJson(text);
    const [first] = 'documents' in reading ? reading.documents : [];
    expect(first instanceof Map ? first.get('a') : null).toBe(a);
  });

  it.each(['', '   ', '"a"', '{"a"', '{"a":"x', '[1,2', '{]', 'hello', '{"a":1} tail', '['.repeat(100)])(
    '%j is none',
    (text) => {
      expect(readSloppyJson(text)).toHaveProperty('reason');
    },
  );

  it('agrees with JSON.parse on what is JSON', () => {
    const shape = (value: unknown): unknown => {
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(shape);
      if (typeof value === 'object') return new Map(Object.entries(value).map(([k, v]) => [k, shape(v)]));
      return typeof value === 'string' ? value : JSON.stringify(value);
    };
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        const reading = readSloppyJson(`[${json}]`);
        // A name that comes twice keeps its first value here and its last there; fast-check makes none.
        expect(reading).toEqual({ documents: [shape(JSON.parse(`[${json}]`))] });
      }),
    );
  });
});

describe('odd input', () => {
  it('never throws anything but a named error, whatever the bytes', () => {
    const mapping = compileMapping(
      read({
        mapping:
          'type = $..type\ntype = //type\ntype = form:a\ntype = text:/(\\w+)=/\npicture = part:*\npicture = $..image',
      }),
    );
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((b) => Buffer.from(b)),
      fc
        .constantFrom(
          '--b\r\n',
          '\r\n\r\n',
          'Content-Disposition: form-data; name="a"',
          '{"type":',
          '"x"}',
          '<type>',
          '</type>',
          '[',
          'a=b&',
          '%zz',
          '\xff\xd8\xff\xe0\0\0\0\0',
        )
        .map((t) => Buffer.from(t, 'latin1')),
    );
    const header = fc.constantFrom(
      'application/json',
      'text/xml',
      'multipart/form-data; boundary=b',
      'application/x-www-form-urlencoded',
      'text/plain; charset=latin1',
      '',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), header, fc.webPath(), (pieces, type, path) => {
        const request = {
          method: 'POST',
          path: path || '/',
          headers: { 'content-type': type },
          body: Buffer.concat(pieces),
        };
        try {
          for (const { draft } of understandPush(mapping, request, null, 0))
            expect(draft.raw.length).toBeLessThanOrEqual(65_536);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AlarmflowError);
          expect((thrown as AlarmflowError).code).toBe('E_BAD_PUSH');
        }
      }),
      { numRuns: 400 },
    );
  });

  it('decode never throws for odd bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), async (chunks) => {
        async function* all(): AsyncIterable<Buffer> {
          yield Buffer.from('POST /x HTTP/1.1\r\n');
          for (const chunk of chunks) yield Buffer.from(chunk);
        }
        for await (const line of decodeHttpPush(all(), null)) expect(line.kind).toBeTruthy();
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['blanks', ' '.repeat(1 << 20)],
    ['equals', '='.repeat(1 << 20)],
    ['names', 'a '.repeat(1 << 19)],
    ['tokens', 'token.'.repeat(1 << 17)],
    ['quotes', '"'.repeat(1 << 20)],
    ['angles', '<'.repeat(1 << 20)],
    ['braces', '{'.repeat(1 << 20)],
    ['base64', 'QUFB'.repeat(1 << 18)],
    ['boundaries', '--b\r\n'.repeat(1 << 17)],
  ])('1 MiB of %s is read soon', (_name, text) => {
    const spent = cpuTime(() => {
      const body = readBody({ 'content-type': 'text/plain' }, Buffer.from(text));
      withoutSecrets(text);
      expect(body.text.length).toBeLessThanOrEqual(1 << 20);
    });
    expect(spent).toBeLessThan(3_000);
  });

  it('has no secret left that its name gives away', () => {
    const payload =
      '{"user":"u","Password":"p\\"w1","nested":{"accessToken":"pw2","pin":1}}\n<n:passwd a="1">pw3</n:passwd> url?token=pw4&x=1\nX-Api-Key: pw5\nrtsp://me:pw6@host/x';
    expect(withoutSecrets(payload)).not.toMatch(/w1|pw\d/);
    expect(withoutSecrets('{"type":"motion","time":"10:00"}')).toBe('{"type":"motion","time":"10:00"}');
  });
});
