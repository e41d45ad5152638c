import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlarmflowError } from '../../../engine/domain/errors';
import { child, childrenOf, childText, findAll, parseXml, toXml, type XmlDraft } from '../../../engine/drivers/wire';

const text = (document: string | Buffer): string => parseXml(document).text;

import { cpuTime } from './cpu-time';

describe('what is put up with', () => {
  const table: [string, string | Buffer, string][] = [
    ['a byte order mark', '\ufeff<?xml version="1.0"?><a>x</a>', 'x'],
    ['a byte order mark in bytes', Buffer.from('\ufeff<a>x</a>'), 'x'],
    ['blank lines before the declaration', '\r\n\n <?xml version="1.0" encoding="UTF-8"?>\r\n<a>x</a>\r\n', 'x'],
    ['NULs', '\0<a>x\0y</a>\0\0', 'xy'],
    ['a bare ampersand', '<a>Bed & Breakfast &c. &foo; &#; & </a>', 'Bed & Breakfast &c. &foo; &#; & '],
    ['a stray less-than sign', '<a>1 < 2 <= 3</a>', '1 < 2 <= 3'],
    ['the five references', '<a>&amp;&lt;&gt;&quot;&apos;&amp;lt;</a>', `&<>"'&lt;`],
    ['numeric references', '<a>&#65;&#x4e2d;&#X1F525;&#0;&#xd800;&#99999999;</a>', 'A中🔥\ufffd\ufffd\ufffd'],
    ['CDATA', '<a>x<![CDATA[<&amp;]]]>y</a>', 'x<&amp;]y'],
    ['comments', '<!-- <b> --><a>x<!-- </a> -->y</a><!-- end -->', 'xy'],
    ['numbers as they are written', '<a>007</a>', '007'],
    ['an exponent as it is written', '<a>1e5</a>', '1e5'],
    ['UTF-16', Buffer.from('\ufeff<a>門</a>', 'utf16le'), '門'],
  ];
  for (const [name, document, expected] of table) {
    it(`reads ${name}`, () => expect(text(document)).toBe(expected));
  }

  it('reads names in GBK under a UTF-8 declaration with replacement characters', () => {
    const gbk = Buffer.from([0xb4, 0xf3, 0xc3, 0xc5]);
    const document = Buffer.concat([
      Buffer.from('<?xml version="1.0" encoding="UTF-8"?><a><n>'),
      gbk,
      Buffer.from('</n><t>VMD</t></a>'),
    ]);
    const root = parseXml(document);
    expect(childText(root, 'n')).toMatch(/\ufffd/);
    expect(childText(root, 't')).toBe('VMD');
  });

  it('compares local names and leaves namespaces out', () => {
    const root = parseXml('<s:a xmlns:s="urn:x" xmlns="urn:y" s:k="1"><s:b>2</s:b><b>3</b></s:a>');
    expect(root).toMatchObject({ name: 'a' });
    expect({ ...root.attributes }).toEqual({ k: '1' });
    expect(childrenOf(root, 'b').map((b) => b.text)).toEqual(['2', '3']);
  });

  it('reads attributes of any spelling', () => {
    const root = parseXml(`<a one="1&amp;>" two='"' three = 3 four five="" six="l1\nl2"/>`);
    expect({ ...root.attributes }).toEqual({ one: '1&>', two: '"', three: '3', four: '', five: '', six: 'l1\nl2' });
  });

  it('keeps the order of children and tells empty from absent', () => {
    const root = parseXml('<a>\n<x/><y></y><z> \r\n</z><x>1</x></a>');
    expect(root.children.map((c) => c.name)).toEqual(['x', 'y', 'z', 'x']);
    expect([childText(root, 'x'), childText(root, 'y'), childText(root, 'z'), childText(root, 'none')]).toEqual([
      '',
      '',
      '',
      null,
    ]);
    expect(child(undefined, 'x')).toBeUndefined();
  });

  it('finds descendants in document order', () => {
    const root = parseXml('<r><a n="1"><a n="2"/></a><b><a n="3"/></b></r>');
    expect(findAll(root, 'a').map((a) => a.attributes.n)).toEqual(['1', '2', '3']);
    expect(findAll(undefined, 'a')).toEqual([]);
  });

  it('is not fooled by names of the object prototype', () => {
    const root = parseXml('<a __proto__="1" constructor="2"><__proto__>x</__proto__></a>');
    expect(Object.entries(root.attributes)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
    expect(parseXml('<a/>').attributes.toString).toBeUndefined();
  });
});

describe('what is refused', () => {
  const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);
  const table: [string, string | Buffer][] = [
    ['an empty document', ''],
    ['blanks', ' \r\n\0'],
    ['garbage', 'garbage'],
    ['JSON', '{"a":1}'],
    ['a document cut in a text', '<a><b>1</b>'],
    ['a document cut in a tag', '<a><b'],
    ['a document cut in an end tag', '<a></a'],
    ['a document cut in an attribute', '<a b="1'],
    ['a document cut in a comment', '<a><!-- '],
    ['a document cut in CDATA', '<a><![CDATA[ '],
    ['tags that do not match', '<a><b></a></b>'],
    ['an end tag alone', '</a>'],
    ['two roots', '<a/><b/>'],
    ['text behind the root', '<a/>x'],
    ['text before the root', 'x<a/>'],
    ['a declaration alone', '<?xml version="1.0"?>'],
    ['DOCTYPE', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
    ['DOCTYPE inside', '<a><!DOCTYPE b></a>'],
    ['65 levels', nested(65)],
    ['a very long name', `<${'a'.repeat(300)}/>`],
    ['65 attributes', `<a ${Array.from({ length: 65 }, (_, i) => `a${i}="1"`).join(' ')}/>`],
    ['more than 1 MiB', `<a>${'x'.repeat(1 << 20)}</a>`],
    ['a picture', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16])],
  ];
  for (const [name, document] of table) {
    it(`refuses ${name}`, () =>
      expect(() => parseXml(document)).toThrow(expect.objectContaining({ code: 'E_BAD_XML', family: 'user' })));
  }

  it('reads 64 levels', () => expect(parseXml(nested(64)).name).toBe('a'));

  it('throws nothing but E_BAD_XML whatever comes', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<b ',
      'x="1"',
      "y='",
      '/>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '&amp;',
      '&',
      '<',
      '>',
      '"',
      '=',
      'text',
      '\0',
      '\n',
      '<!',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          parseXml(pieces.join(''));
        } catch (thrown) {
          expect((thrown as AlarmflowError).code).toBe('E_BAD_XML');
        }
      }),
      { numRuns: 5000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => parseXml(Buffer.from(bytes))).toThrow(AlarmflowError);
      }),
    );
  });

  it('spends linear time on hostile documents', () => {
    const time = cpuTime(() => {
      for (const unit of ['<', '&', '<a ', '<!--', 'a="', '<![CDATA[', '&#', '</', ' ', '<a>x</a>', '\0']) {
        const hostile = `<a>${unit.repeat(Math.floor(1_000_000 / unit.length))}`;
        expect(() => parseXml(hostile)).toThrow();
        expect(() => parseXml(unit.repeat(Math.floor(1_000_000 / unit.length)))).toThrow();
      }
    });
    expect(time).toBeLessThan(4_000);
  });
});

describe('what is written', () => {
  it('escapes texts and attributes', () => {
    expect(
      toXml({ name: 'a', attributes: { k: `"<&>'\n` }, text: `<&>"'\u0000\u0008`, children: [{ name: 'b' }] }),
    ).toBe(`<?xml version="1.0" encoding="UTF-8"?>\n<a k="&quot;&lt;&amp;&gt;'&#10;">&lt;&amp;&gt;&quot;'<b/></a>`);
  });

  it('is read back as it was', () => {
    const word = fc.string({
      unit: fc.constantFrom('a', '<', '>', '&', '"', "'", 'é', '門', ']]>', '&amp;', '\n', '\r', '\t', ' '),
      maxLength: 12,
    });
    const node = (children: fc.Arbitrary<XmlDraft[]>): fc.Arbitrary<XmlDraft> =>
      fc.record({
        name: fc.constantFrom('a', 'b', 'c'),
        attributes: fc.dictionary(fc.constantFrom('k', 'l'), word),
        text: word,
        children,
      });
    const leaf = node(fc.constant([]));
    const draft = node(fc.array(node(fc.array(leaf, { maxLength: 3 })), { maxLength: 3 }));
    const plain = (d: XmlDraft): unknown => ({
      name: d.name,
      attributes: { ...d.attributes },
      text: d.text ?? '',
      children: (d.children ?? []).map(plain),
    });
    fc.assert(
      fc.property(draft, (d) => {
        expect(plain(parseXml(toXml(d)))).toEqual(plain(d));
      }),
    );
  });
});
