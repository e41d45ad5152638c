import { toXml, type XmlDraft } from '../wire';
import { type DocumentNode, findNode, readDocuments } from './document';

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/**
 * A configuration document of the device with some fields set anew, ready to be written back. A field that the document
 * lacks is left out: the model doesn't know it. Throws `E_BAD_DOCUMENT` (user) for bytes that are no document.
 *
 * @param under element in which the fields are looked for; absent: anywhere
 */
export function editXml(body: Buffer, fields: Readonly<Record<string, string>>, under?: string): string {
  const [root] = readDocuments(body);
  const scope = root && under ? findNode(root, under) : root;
  const draft = (node: DocumentNode, inside: boolean): XmlDraft => {
    const within = inside || node === scope;
    const field = within ? Object.keys(fields).find((name) => sameName(name, node.name)) : undefined;
    if (field !== undefined && node.children.length === 0) return { name: node.name, text: fields[field] };
    return {
      name: node.name,
      ...(node.attributes ? { attributes: { ...node.attributes } } : {}),
      ...(node.children.length > 0
        ? { children: node.children.map((child) => draft(child, within)) }
        : { text: node.text.trim() }),
    };
  };
  if (!root) return '';
  const edited = draft(root, scope === root);
  return toXml({ ...edited, attributes: { ...edited.attributes, xmlns: namespaceOf(body) } });
}

/** The device's own namespace: some refuse documents of another. */
export function namespaceOf(body: Buffer): string {
  const found = /\sxmlns(?::\w{1,40})?\s{0,4}=\s{0,4}["']([^"'<>\s]{1,200})["']/.exec(body.toString('utf8', 0, 2_048));
  return found?.[1] ?? 'http://www.isapi.org/ver20/XMLSchema';
}
