/** One element; names without namespace prefix. */
export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  /** Child elements in document order. */
  children: XmlElement[];
  /** Own text, CDATA included, entities decoded, white space as sent. */
  text: string;
}

/** What toXml writes. A string or number child is text. */
export interface XmlDraft {
  name: string;
  attributes?: Record<string, string>;
  text?: string;
  children?: XmlDraft[];
}

/** Root element of a document. Throws `E_BAD_XML` (user) for anything that is none. */
export function parseXml(_document: string | Buffer): XmlElement {
  throw new Error('not finished');
}

/** First child element of that local name. */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((c) => c.name === name);
}

/** All child elements of that local name. */
export function childrenOf(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((c) => c.name === name) ?? [];
}

/** Trimmed text of the first child of that name; null when there is none, '' when it is empty. */
export function childText(element: XmlElement | undefined, name: string): string | null {
  return child(element, name)?.text.trim() ?? null;
}

/** All descendants of that local name, in document order. */
export function findAll(element: XmlElement | undefined, name: string): XmlElement[] {
  const found: XmlElement[] = [];
  const visit = (e: XmlElement): void => {
    for (const c of e.children) {
      if (c.name === name) found.push(c);
      visit(c);
    }
  };
  if (element) visit(element);
  return found;
}

/** An XML document with declaration. */
export function toXml(_root: XmlDraft): string {
  throw new Error('not finished');
}
