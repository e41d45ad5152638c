import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createFramer } from '../../../engine/drivers/wire';
import { brief, bytewise, cutAt, frame, framed, framedBriefly } from './chunkings';
import { cpuTime } from './cpu-time';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const MIXED = 'multipart/mixed; boundary=boundary';
const DAHUA = 'multipart/x-mixed-replace; boundary=myboundary';
const alert = (type: string): string =>
  `<EventNotificationAlert version="2.0"><eventType>${type}</eventType><channelName>門 &amp; Tür</channelName></EventNotificationAlert>`;
const VMD = alert('VMD');
const IO = alert('IO');
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const latin = (text: string): string => bytes(text).toString('latin1');
const xmlPart = (doc: string, length: string | number | null = Buffer.byteLength(doc), eol = '\r\n'): string =>
  `--boundary${eol}Content-Type: application/xml; charset="UTF-8"${eol}${length === null ? '' : `Content-Length: ${length}${eol}`}${eol}${doc}${eol}`;
const code = (name: string, rest = ';action=Start;index=0'): string => `Code=${name}${rest}`;
const dahuaPart = (body: string, length: string | number | null = Buffer.byteLength(body)): string =>
  `--myboundary\r\nContent-Type: text/plain\r\n${length === null ? '' : `Content-Length:${length}\r\n`}\r\n${body}\r\n\r\n`;
const JPEG = Buffer.concat([
  Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2]),
  Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 37) % 251)),
  Buffer.from([0xff, 0xd9]),
]);
const picturePart = (picture: Buffer, length: number | null = picture.length, type = 'image/jpeg'): Buffer =>
  Buffer.concat([
    bytes(
      `--boundary\r\nContent-Disposition: form-data; name="pic"; filename="shot.jpg"\r\nContent-Type: ${type}\r\n${
        length === null ? '' : `Content-Length: ${length}\r\n`
      }\r\n`,
    ),
    picture,
    bytes('\r\n'),
  ]);

describe('framings met in the field', () => {
  const both = [`xml ${latin(VMD)}`, `xml ${latin(IO)}`];
  const table: [string, string, string | undefined, string[]][] = [
    ['plain CRLF parts', xmlPart(VMD) + xmlPart(IO), MIXED, both],
    ['LF line ends only', xmlPart(VMD, undefined, '\n') + xmlPart(IO, undefined, '\n'), MIXED, both],
    [
      'a blank line between boundary and head',
      (xmlPart(VMD) + xmlPart(IO)).replaceAll('--boundary\r\n', '--boundary\r\n\r\n'),
      MIXED,
      both,
    ],
    [
      'a boundary line twice in a row',
      (xmlPart(VMD) + xmlPart(IO)).replaceAll('--boundary\r\n', '--boundary\r\n--boundary\r\n'),
      MIXED,
      both,
    ],
    ['no blank line behind the head', (xmlPart(VMD) + xmlPart(IO)).replaceAll('\r\n\r\n<', '\r\n<'), MIXED, both],
    [
      'a boundary in the header that counts the dashes in',
      xmlPart(VMD) + xmlPart(IO),
      'multipart/mixed; boundary=--boundary',
      both,
    ],
    ['a quoted boundary and odd case', xmlPart(VMD) + xmlPart(IO), 'Multipart/Mixed; BOUNDARY="boundary"', both],
    [
      'a boundary in the header that the body does not use',
      xmlPart(VMD) + xmlPart(IO),
      'multipart/mixed; boundary=other',
      both,
    ],
    ['no boundary in the header', xmlPart(VMD) + xmlPart(IO), 'multipart/mixed', both],
    ['no Content-Type at all', xmlPart(VMD) + xmlPart(IO), undefined, both],
    ['no Content-Length', xmlPart(VMD, null) + xmlPart(IO, null), MIXED, both],
    ['a Content-Length of 0', xmlPart(VMD, 0) + xmlPart(IO, 0), MIXED, both],
    ['a Content-Length too small', xmlPart(VMD, 20) + xmlPart(IO, 20), MIXED, both],
    ['a Content-Length too large', xmlPart(VMD, 5000) + xmlPart(IO, 5000), MIXED, both],
    ['a Content-Length that is no number', xmlPart(VMD, '-1') + xmlPart(IO, '12abc'), MIXED, both],
    ['boundaries without a line end before them', xmlPart(VMD).trimEnd() + xmlPart(IO).trimEnd(), MIXED, both],
    [
      'a blank before the colon, none behind',
      (xmlPart(VMD) + xmlPart(IO)).replaceAll('Length: ', 'Length :'),
      MIXED,
      both,
    ],
    ['closed and begun again', `${xmlPart(VMD)}--boundary--\r\n${xmlPart(IO)}--boundary--\r\n`, MIXED, both],
    ['a preamble', `This is a MIME message.\r\n${xmlPart(VMD)}${xmlPart(IO)}`, MIXED, both],
    [
      'a byte order mark and blank lines before the declaration',
      `--boundary\r\nContent-Type: text/xml\r\n\r\n\ufeff\r\n\r\n${VMD}\r\n${xmlPart(IO)}`,
      MIXED,
      both,
    ],
    ['NULs between the parts', `${xmlPart(VMD)}\0\0\0\r\n${xmlPart(IO)}`, MIXED, both],
    ['no head at all', `--boundary\r\n${VMD}\r\n--boundary\r\n\r\n${IO}\r\n`, MIXED, both],
    ['a first part without its boundary', xmlPart(VMD).replace('--boundary\r\n', '') + xmlPart(IO), MIXED, both],
    ['documents one behind the other in one part', `${xmlPart(VMD)}${IO}\r\n`, MIXED, both],
    ['documents without any boundary', `${VMD}\r\n${IO}`, 'application/xml', both],
    ['a bare document under a multipart header', `${VMD}${IO}`, MIXED, both],
    ['a bare document under a form header', `\r\n${VMD}\r\n${IO}\r\n`, 'application/x-www-form-urlencoded', both],
    ['a bare document without Content-Type', `${VMD}${IO}`, undefined, both],
    [
      'a media type of JSON over XML',
      (xmlPart(VMD) + xmlPart(IO)).replaceAll('application/xml', 'application/json'),
      MIXED,
      both,
    ],
    ['a garbled head line', xmlPart(VMD).replace('Length: ', 'Length ') + xmlPart(IO), MIXED, both],
    [
      'an empty part between',
      `${xmlPart(VMD)}--boundary\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n\r\n${xmlPart(IO)}`,
      MIXED,
      both,
    ],
    [
      'an unknown text between',
      `${xmlPart(VMD)}--boundary\r\nContent-Type: text/plain\r\n\r\nhello\r\n${xmlPart(IO)}`,
      MIXED,
      [both[0]!, 'text hello', both[1]!],
    ],
  ];
  for (const [name, body, contentType, expected] of table) {
    it(`reads ${name}`, () => expect(framedBriefly(bytes(body), { contentType })).toEqual(expected));
  }

  it('reads a boundary of many dashes', () => {
    const line = '-----------------------------7e21a4b8';
    const body = `${line}\r\nContent-Disposition: form-data; name="IO"\r\n\r\n${IO}\r\n${line}--\r\n`;
    expect(framedBriefly(bytes(body), { contentType: `multipart/form-data; boundary=${line.slice(2)}` })).toEqual([
      `xml ${latin(IO)}`,
    ]);
  });

  it('gives name, file name and media type of a part', () => {
    const body = `--boundary\r\n\r\nContent-Disposition: form-data; name="MoveDetection.xml"; filename="MoveDetection.xml"\r\nContent-Type: application/xml\r\n\r\n${VMD}\r\n--boundary--\r\n`;
    expect(framed(bytes(body), { contentType: 'multipart/form-data; boundary=boundary' })[0]).toMatchObject({
      name: 'MoveDetection.xml',
      filename: 'MoveDetection.xml',
      contentType: 'application/xml',
      form: 'xml',
      headers: { 'content-type': 'application/xml' },
    });
  });

  it('joins a folded header line', () => {
    const body = `--boundary\r\nContent-Disposition: form-data;\r\n  name="IO"\r\n\r\n${IO}\r\n`;
    expect(framed(bytes(body))[0]).toMatchObject({ name: 'IO' });
  });

  it('reads a bare picture whose type the header tells', () => {
    expect(framed(JPEG, { contentType: 'image/jpeg' })).toMatchObject([
      { form: 'binary', contentType: 'image/jpeg', body: JPEG },
    ]);
  });

  it('reads a bare picture that nobody announced', () => {
    expect(framed(JPEG)).toMatchObject([{ form: 'binary', contentType: 'image/jpeg', body: JPEG }]);
  });

  it('reports a body that is nothing known', () => {
    expect(framedBriefly(bytes('rubbish rubbish'))).toEqual(['fault bytes that belong to no part 15']);
    expect(framedBriefly(bytes('rubbish rubbish'), { contentType: MIXED })).toEqual([
      'fault neither a boundary nor a document 15',
    ]);
  });

  it('reports garbage between parts and goes on', () => {
    expect(framedBriefly(bytes(`${xmlPart(VMD)}@@garbage@@\r\n${xmlPart(IO)}`), { contentType: MIXED })).toEqual([
      both[0],
      'fault bytes that belong to no part 13',
      both[1],
    ]);
  });

  it('reports a head that is cut off', () => {
    expect(framedBriefly(bytes('--boundary\r\nContent-Type: text/xml\r\nConte'), { contentType: MIXED })).toEqual([
      'fault stream ended inside a part head 29',
    ]);
  });

  it('survives a head line without end', () => {
    const parts = framedBriefly(bytes(`--boundary\r\nX: ${'a'.repeat(40_000)}\r\n${xmlPart(IO)}`), {
      contentType: MIXED,
    });
    expect(parts).toEqual([expect.stringMatching(/^fault a part head without end 400/), both[1]]);
  });
});

describe('the end of an XML document', () => {
  const table: [string, string][] = [
    ['a comment', '<Alert><!-- </Alert> > --><a/></Alert>'],
    ['CDATA', '<Alert><![CDATA[</Alert>]] ]>]]></Alert>'],
    ['an attribute value', `<Alert a="</Alert>" b='>"</Alert>'><c d="/"/></Alert>`],
    ['an instruction', '<?xml version="1.0"?><?x </Alert> ?><Alert></Alert>'],
    ['a name that begins alike', '<Alert><AlertList></AlertList><Alerts/></Alert>'],
    ['an element of the same name inside', '<Alert><Alert>1</Alert><Alert/><Alert x="1" /></Alert>'],
    ['a stray less-than sign', "<Alert><n>a < b <c's</n></Alert>"],
    ['a stray less-than sign with a quote behind it', "<Alert><n>a <c 's b</n></Alert>"],
    ['a boundary with a head in the middle of a line', '<Alert>x --boundary\r\nA: b\r\n\r\n</Alert>'],
    ['tags that do not match', '<Alert><a><b></a></Alert>'],
    ['blanks in the end tag', '<Alert>1</Alert \r\n>'],
    ['a prefix', '<s:Alert xmlns:s="urn:x"><Alert>1</Alert></s:Alert>'],
    ['a root that is empty', '<Alert a="1" />'],
    ['a boundary without a head in its text', '<Alert>\r\n--boundary\r\nplain text</Alert>'],
  ];
  for (const [name, doc] of table) {
    it(`is not mistaken for ${name}`, () => {
      expect(framedBriefly(bytes(xmlPart(doc, null) + xmlPart(IO)), { contentType: MIXED })).toEqual([
        `xml ${doc}`,
        `xml ${latin(IO)}`,
      ]);
    });
  }

  it('is not mistaken for a line of dashes in a document that came without any boundary', () => {
    const doc = '<Alert>\n--note\nName: x\n</Alert>';
    expect(framedBriefly(bytes(doc), { contentType: 'text/xml' })).toEqual([`xml ${doc}`]);
  });

  it('is the next boundary with a head when the document is cut short', () => {
    const cut = VMD.slice(0, 60);
    for (const length of [null, 60, 5000, Buffer.byteLength(VMD)]) {
      expect(framedBriefly(bytes(xmlPart(cut, length) + xmlPart(IO)), { contentType: MIXED })).toEqual([
        `xml! ${latin(cut)}`,
        `xml ${latin(IO)}`,
      ]);
    }
  });

  it('is a declaration inside when no boundary divides the documents', () => {
    const doc = `<?xml version="1.0"?>${IO}`;
    expect(framedBriefly(bytes(`${VMD.slice(0, 60)}\n${doc}`))).toEqual([
      `xml! ${latin(VMD.slice(0, 60))}`,
      `xml ${latin(doc)}`,
    ]);
  });

  it('is the announced length when there is no document under the media type', () => {
    expect(framedBriefly(bytes(xmlPart('Busy') + xmlPart(IO)), { contentType: MIXED })).toEqual([
      'text Busy',
      `xml ${latin(IO)}`,
    ]);
  });
});

describe('the end of JSON and of Code lines', () => {
  const json = '{"a":"}\\"{","b":[{"c":"門\\\\"}],"d":"\\u007d"}';
  it('is the closing bracket outside of strings', () => {
    for (const length of [null, 5, 9999, Buffer.byteLength(json)]) {
      expect(
        framedBriefly(
          bytes(
            `--boundary\r\nContent-Type: application/json\r\n${length === null ? '' : `Content-Length: ${length}\r\n`}\r\n${json}\r\n${xmlPart(IO)}`,
          ),
          { contentType: MIXED },
        ),
      ).toEqual([`json ${latin(json)}`, `xml ${latin(IO)}`]);
    }
  });

  it('is found for a bare array', () => {
    expect(framedBriefly(bytes(' [{"a":1},[]] \0'), { contentType: 'application/json' })).toEqual([
      'json [{"a":1},[]]',
    ]);
  });

  const data = code(
    'CrossLineDetection',
    ';action=Start;index=3;data={\n   "Name" : "a;b=c}",\n   "L" : [ [ 1, 2 ] ]\n}',
  );
  const motion = code('VideoMotion');
  const local = code('AlarmLocal', ';action=Stop;index=12');
  const table: [string, string, string[]][] = [
    ['right lengths', dahuaPart(motion) + dahuaPart(`${data}\n`) + dahuaPart('Heartbeat'), [motion, data, 'Heartbeat']],
    [
      'a constant 37',
      dahuaPart(data, 37) + dahuaPart(`${motion};data={"a":1}`, 37) + dahuaPart(local, 37) + dahuaPart('Heartbeat', 37),
      [data, `${motion};data={"a":1}`, local, 'Heartbeat'],
    ],
    [
      'no lengths',
      dahuaPart(motion, null) + dahuaPart(data, null) + dahuaPart('Heartbeat', null) + dahuaPart(local, null),
      [motion, data, 'Heartbeat', local],
    ],
    [
      'lengths too large',
      dahuaPart(motion, 4000) + dahuaPart(data, 4000) + dahuaPart('Heartbeat', 4000),
      [motion, data, 'Heartbeat'],
    ],
    [
      'no blank line behind the head',
      (dahuaPart(motion) + dahuaPart(data) + dahuaPart('Heartbeat') + dahuaPart(local)).replaceAll(
        /\r\n\r\n(?=[CH])/g,
        '\r\n',
      ),
      [motion, data, 'Heartbeat', local],
    ],
    [
      'LF only',
      (dahuaPart(motion) + dahuaPart(data) + dahuaPart('Heartbeat') + dahuaPart(local)).replaceAll('\r\n', '\n'),
      [motion, data, 'Heartbeat', local],
    ],
    [
      'LF only and no blank line behind the head',
      (dahuaPart(motion) + dahuaPart(data) + dahuaPart('Heartbeat'))
        .replaceAll('\r\n', '\n')
        .replaceAll(/\n\n(?=[CH])/g, '\n'),
      [motion, data, 'Heartbeat'],
    ],
    ['data on the next line', dahuaPart(`${motion};data=\r\n{"a":1}`), [`${motion};data=\r\n{"a":1}`]],
    [
      'data that is no object',
      dahuaPart(`${motion};data=7`) + dahuaPart(`${motion};data=`) + dahuaPart(local),
      [`${motion};data=7`, `${motion};data=`, local],
    ],
    ['several lines in one part', dahuaPart(`${motion}\r\n${local}`), [motion, local]],
    [
      'an additional head line',
      dahuaPart(motion).replace('Content-Type', 'Content-Channel:2\r\nContent-Type') + dahuaPart(local),
      [motion, local],
    ],
    [
      'a boundary right behind the announced length',
      `${dahuaPart(motion).trimEnd()}${dahuaPart(local)}`,
      [motion, local],
    ],
  ];
  for (const [name, body, expected] of table) {
    it(`of a Dahua stream is found with ${name}`, () => {
      expect(framedBriefly(bytes(body), { contentType: DAHUA })).toEqual(
        expected.map((text) => `dahua ${latin(text)}`),
      );
    });
  }

  it('is the next boundary when the data is cut short', () => {
    const cut = data.slice(0, -12);
    for (const length of [null, 37, cut.length, 900]) {
      expect(framedBriefly(bytes(dahuaPart(cut, length) + dahuaPart(local)), { contentType: DAHUA })).toEqual([
        `dahua! ${cut.trimEnd()}`,
        `dahua ${local}`,
      ]);
    }
  });
});

describe('pictures', () => {
  const bait = bytes(`\r\n${xmlPart(alert('fireDetection'))}--boundary--\r\n`);
  const baited = Buffer.concat([JPEG.subarray(0, 100), bait, JPEG.subarray(100)]);
  const pictureAnd = (parts: ReturnType<typeof framed>): (Buffer | string)[] =>
    parts.map((p) => (p.kind === 'part' ? (p.form === 'binary' ? p.body : p.body.toString('utf8')) : p.reason));

  it('may hold a whole alert document and boundaries', () => {
    expect(
      pictureAnd(framed(Buffer.concat([picturePart(baited), bytes(xmlPart(IO))]), { contentType: MIXED })),
    ).toEqual([baited, IO]);
  });

  it('end at the next boundary without a Content-Length', () => {
    for (const length of [null, 0]) {
      expect(
        pictureAnd(framed(Buffer.concat([picturePart(JPEG, length), bytes(xmlPart(IO))]), { contentType: MIXED })),
      ).toEqual([JPEG, IO]);
    }
  });

  it('end at the next boundary when the Content-Length is too small', () => {
    for (const length of [1, 50, JPEG.length - 1]) {
      expect(
        pictureAnd(framed(Buffer.concat([picturePart(JPEG, length), bytes(xmlPart(IO))]), { contentType: MIXED })),
      ).toEqual([JPEG, IO]);
    }
  });

  it('keep their bait when the Content-Length is a little too small', () => {
    expect(
      pictureAnd(
        framed(Buffer.concat([picturePart(baited, baited.length - 20), bytes(xmlPart(IO))]), { contentType: MIXED }),
      ),
    ).toEqual([baited, IO]);
  });

  it('end at the next boundary when the Content-Length is too large', () => {
    const body = Buffer.concat([picturePart(JPEG, JPEG.length + 300), bytes(xmlPart(VMD) + xmlPart(IO))]);
    expect(pictureAnd(framed(body, { contentType: MIXED }))).toEqual([JPEG, VMD, IO]);
  });

  it('with a Content-Length far too large do not hold the stream up for ever', () => {
    const framer = createFramer({ contentType: MIXED });
    const got = framer.push(Buffer.concat([picturePart(JPEG, 9_000_000), bytes(xmlPart(VMD).repeat(4))]));
    expect(pictureAnd(got)).toEqual([JPEG, VMD, VMD, VMD, VMD]);
  });

  it('are delivered with their last byte when their Content-Length is right', () => {
    const framer = createFramer({ contentType: MIXED });
    const part = picturePart(JPEG);
    expect(framer.push(part.subarray(0, -3))).toEqual([]);
    expect(framer.push(part.subarray(-3, -2))).toMatchObject([{ body: JPEG, filename: 'shot.jpg' }]);
  });

  it('of other kinds need a line end or dashes behind them', () => {
    const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47]), JPEG]);
    for (const length of [png.length, 40, null]) {
      expect(
        pictureAnd(
          framed(Buffer.concat([picturePart(png, length, 'image/png'), bytes(xmlPart(IO))]), { contentType: MIXED }),
        ),
      ).toEqual([png, IO]);
    }
  });

  it('without line end before the next boundary are read', () => {
    const body = Buffer.concat([picturePart(JPEG).subarray(0, -2), bytes(xmlPart(IO))]);
    expect(pictureAnd(framed(body, { contentType: MIXED }))).toEqual([JPEG, IO]);
  });

  it('without blank line behind the head are read', () => {
    const body = Buffer.concat([
      bytes('--boundary\r\nContent-Type: image/jpeg\r\n'),
      JPEG,
      bytes('\r\n'),
      bytes(xmlPart(IO)),
    ]);
    expect(pictureAnd(framed(body, { contentType: MIXED }))).toEqual([JPEG, IO]);
  });

  it('that begin like a document are pictures all the same', () => {
    const matrix = bytes('{[<not text at all');
    expect(
      pictureAnd(
        framed(
          Buffer.concat([
            picturePart(matrix, matrix.length, 'application/octet-stream').subarray(0),
            bytes(xmlPart(IO)),
          ]),
          { contentType: MIXED },
        ),
      ),
    ).toEqual([matrix, IO]);
  });

  it('cut off by the end of the stream are marked', () => {
    const got = framed(picturePart(JPEG, JPEG.length + 500).subarray(0, -40), { contentType: MIXED });
    expect(got).toMatchObject([{ form: 'binary', truncated: true }]);
  });

  it('cut off by the end of the stream never turn their bait into an alert', () => {
    const got = framed(picturePart(baited).subarray(0, -60), { contentType: MIXED });
    expect(got).toMatchObject([{ form: 'binary', truncated: true }]);
  });
});

describe('bounds', () => {
  it('drops a text part that is too large, says so and goes on', () => {
    const huge = `<Alert>${'x'.repeat(5000)}</Alert>`;
    for (const length of [null, huge.length, 10]) {
      expect(
        framedBriefly(bytes(xmlPart(huge, length) + xmlPart(IO)), { contentType: MIXED, maxTextBytes: 1000 }),
      ).toEqual([`fault a text part larger than allowed ${huge.length + 2}`, `xml ${latin(IO)}`]);
    }
  });

  it('takes a part of exactly the size allowed', () => {
    expect(framedBriefly(bytes(xmlPart(IO)), { contentType: MIXED, maxTextBytes: Buffer.byteLength(IO) })).toEqual([
      `xml ${latin(IO)}`,
    ]);
    expect(framedBriefly(bytes(xmlPart(IO)), { contentType: MIXED, maxTextBytes: Buffer.byteLength(IO) - 1 })).toEqual([
      expect.stringContaining('fault a text part larger than allowed'),
    ]);
  });

  it('drops a picture that is too large, says so and goes on', () => {
    const huge = Buffer.concat([JPEG, Buffer.alloc(5000, 7)]);
    for (const length of [null, huge.length, 10]) {
      expect(
        framedBriefly(Buffer.concat([picturePart(huge, length), bytes(xmlPart(IO))]), {
          contentType: MIXED,
          maxBinaryBytes: 1000,
        }),
      ).toEqual([`fault a picture larger than allowed ${huge.length + 2}`, `xml ${latin(IO)}`]);
    }
  });

  it('reads a 1 MiB part byte by byte in linear time', () => {
    const time = (size: number): number => {
      const doc = bytes(xmlPart(`<Alert>${'--boundary <a'.repeat(size / 13)}</Alert>`));
      const framer = createFramer({ contentType: MIXED });
      return cpuTime(() => {
        for (let i = 0; i < doc.length; i++) framer.push(doc.subarray(i, i + 1));
      });
    };
    time(100_000);
    expect(time(1_000_000)).toBeLessThan(5_000);
  });

  for (const [name, unit] of [
    ['dashes', '-'],
    ['boundaries', '\n--boundary\n'],
    ['boundary beginnings', '\n--bound'],
    ['tags', '<a '],
    ['open comments', '<!--'],
    ['quotes', '"'],
    ['blank lines', '\r\n'],
    ['blanks', ' '],
    ['headers', 'A:b\n'],
    ['semicolons', 'Code=;data='],
  ] as const) {
    it(`spends linear time on ${name} without end`, () => {
      const body = bytes(
        `${xmlPart(IO)}--boundary\r\nContent-Type: text/xml\r\n\r\n<x>${unit.repeat(400_000 / unit.length)}`,
      );
      const time = cpuTime(() => {
        frame(cutAt(body, [0.2, 0.21, 0.7]), { contentType: MIXED });
        frame(bytewise(body.subarray(0, 100_000)), { contentType: MIXED });
      });
      expect(time).toBeLessThan(2_000);
    });
  }

  it('holds no more of a picture without end than is allowed', () => {
    const framer = createFramer({ contentType: MIXED, maxBinaryBytes: 1 << 20 });
    const before = process.memoryUsage().arrayBuffers;
    const chunk = Buffer.alloc(1 << 20, 'x');
    framer.push(bytes('--boundary\r\nContent-Type: image/jpeg\r\n\r\n'));
    for (let i = 0; i < 64; i++) framer.push(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 << 20);
  });

  it('holds at most one part whatever comes', () => {
    const framer = createFramer({ contentType: MIXED });
    const before = process.memoryUsage().arrayBuffers;
    const chunk = Buffer.alloc(1 << 20, 'x');
    framer.push(bytes('--boundary\r\nContent-Type: application/xml\r\n\r\n<a>'));
    for (let i = 0; i < 64; i++) framer.push(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 << 20);
    expect(brief(framer.push(bytes(`\r\n${xmlPart(IO)}`))).at(-1)).toBe(`xml ${latin(IO)}`);
  });
});

describe('whatever comes', () => {
  const pieces = fc.constantFrom(
    '--boundary',
    '\r\n--boundary\r\n',
    '\n--boundary\nContent-Length: 9\n\n',
    '\r\n--boundary\r\nContent-Type: image/jpeg\r\nContent-Length: 30\r\n\r\n',
    '\r\n--boundary\r\nContent-Type: text/xml\r\n\r\n<a>',
    '--boundary--',
    '--other',
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\0',
    '\ufeff',
    'Content-Type: application/xml',
    'Content-Type: image/jpeg',
    'Content-Type: application/json',
    'Content-Type: application/octet-stream',
    'Content-Length: 12',
    'Content-Length:37',
    'Content-Length: 0',
    'Content-Disposition: form-data; name="a"',
    '<a>',
    '</a>',
    '<a b="',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?xml ',
    '?>',
    '<!DOCTYPE a [',
    ']>',
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    'Code=',
    ';data=',
    'Heartbeat',
    ':',
    '-',
    'x',
    '<',
    '>',
    '/',
    "'",
    '=',
    '\xff\xd8',
    '\xff\xd9',
  );
  const odd = fc.array(pieces, { maxLength: 60 }).map((list) => Buffer.from(list.join(''), 'latin1'));
  const types = fc.constantFrom(
    undefined,
    MIXED,
    'multipart/mixed',
    'application/xml',
    'image/jpeg',
    'text/plain',
    'multipart/x; boundary=',
    'multipart/x; boundary="--"',
  );

  it('never throws, and chunks do not change the answer', () => {
    fc.assert(
      fc.property(
        odd,
        types,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
        (body, contentType, cuts) => {
          const options = { contentType, maxTextBytes: 40, maxBinaryBytes: 60 };
          const whole = frame([body], options);
          expect(frame(bytewise(body), options)).toEqual(whole);
          expect(frame(cutAt(body, cuts), options)).toEqual(whole);
        },
      ),
      { numRuns: 4000 },
    );
  });

  it('never throws for plain random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), types, (body, contentType) => {
        const whole = frame([Buffer.from(body)], { contentType });
        expect(frame(bytewise(Buffer.from(body)), { contentType })).toEqual(whole);
      }),
      { numRuns: 1000 },
    );
  });

  it('a whole alert behind a boundary is found after any garbage that is no picture', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        const body = Buffer.concat([bytes(xmlPart(VMD)), Buffer.from(garbage), bytes(`\r\n${xmlPart(IO)}`)]);
        expect(framedBriefly(body, { contentType: MIXED })).toContain(`xml ${latin(IO)}`);
      }),
      { numRuns: 100 },
    );
  });
});

describe('promptness', () => {
  const json = '{"eventType":"TMA","x":"}"}';
  const data = code('CrossLineDetection', ';action=Start;index=3;data={\n "a" : 1\n}');
  for (const [name, part, body, contentType] of [
    ['XML', xmlPart(IO).trimEnd(), IO, MIXED],
    ['XML without Content-Length', xmlPart(IO, null).trimEnd(), IO, MIXED],
    ['XML with a Content-Length too large', xmlPart(IO, 4711).trimEnd(), IO, MIXED],
    ['bare XML', IO, IO, undefined],
    ['JSON', `--boundary\r\nContent-Type: application/json\r\n\r\n${json}`, json, MIXED],
    ['a Code line with data', dahuaPart(data).trimEnd(), data, DAHUA],
    ['a heart-beat', dahuaPart('Heartbeat').trimEnd(), 'Heartbeat', DAHUA],
  ] as const) {
    it(`${name} is delivered at its last byte and not before`, () => {
      const framer = createFramer({ contentType });
      const all = bytes(part);
      for (const byte of bytewise(all.subarray(0, -1))) expect(framer.push(byte)).toEqual([]);
      expect(framer.push(all.subarray(-1))).toMatchObject([{ body: bytes(body) }]);
    });
  }

  it('a Code line without data is delivered with its line end', () => {
    const framer = createFramer({ contentType: DAHUA });
    expect(framer.push(bytes(dahuaPart(code('VideoMotion')).trimEnd()))).toEqual([]);
    expect(framer.push(bytes('\r'))).toMatchObject([{ form: 'dahua' }]);
  });
});
