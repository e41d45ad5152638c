import { ns } from './namespaces';

const MAX_PARAMETERS = 16;
const MAX_LENGTH = 16 * 1024;
const NAMESPACE = /\sxmlns(?::([\w.-]{1,64}))?\s{0,4}=\s{0,4}(?:"([^"<]{0,400})"|'([^'<]{0,400})')/g;

/**
 * The reference parameters of a subscription as SOAP headers, which every later request of it must carry
 * (WS-Addressing Core §3.3, PROTOCOLS §4.3 rule 2). They are copied as they are written, because a device may compare
 * them byte by byte; the namespaces that were in scope are declared on each anew.
 *
 * @param answer the answer to the creation, as text
 */
export function referenceHeaders(answer: string): string {
  const reference = /<(?:[\w.-]{1,64}:)?SubscriptionReference[\s>]/.exec(answer);
  if (!reference) return '';
  const open = /<([\w.-]{1,64}:)?Reference(Parameters|Properties)(\s[^>]{0,2000})?>/g;
  open.lastIndex = reference.index;
  const found = open.exec(answer);
  if (!found || found[0].endsWith('/>')) return '';
  const from = found.index + found[0].length;
  const end = answer.indexOf(`</${found[1] ?? ''}Reference${found[2]}`, from);
  if (end < 0 || end - from > MAX_LENGTH) return '';
  const inScope = new Map<string, string>();
  for (const match of answer.slice(0, from).matchAll(NAMESPACE))
    inScope.set(match[1] ?? '', match[2] ?? match[3] ?? '');
  return topElements(answer.slice(from, end))
    .map((text) => declared(text, inScope))
    .join('');
}

/** Cuts a run of elements into its outermost ones. What is no well-formed run gives what could be read. */
function topElements(text: string): string[] {
  const found: string[] = [];
  const tag = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<(\/?)[^\s<>/][^<>]*?(\/?)>/g;
  let depth = 0;
  let start = 0;
  for (const match of text.matchAll(tag)) {
    if (match[0].startsWith('<!')) continue;
    if (match[1] === '/') depth--;
    else if (depth === 0) start = match.index;
    if (match[1] !== '/' && match[2] !== '/') depth++;
    if (depth < 0) break;
    if (depth === 0) found.push(text.slice(start, match.index + match[0].length));
    if (found.length >= MAX_PARAMETERS) break;
  }
  return found;
}

function declared(text: string, inScope: ReadonlyMap<string, string>): string {
  const name = /^<([^\s/>]+)/.exec(text)?.[1] ?? '';
  const head = /^<[^>]*>/.exec(text)?.[0] ?? '';
  const prefixes = new Set(
    [...text.matchAll(/(?<=[<\s/])([\w.-]{1,64}):[\w.-]{1,64}(?=[\s=/>])/g)].map((m) => m[1] ?? ''),
  );
  if (!name.includes(':')) prefixes.add('');
  prefixes.delete('xmlns');
  const added = [...prefixes]
    .filter(
      (prefix) =>
        inScope.has(prefix) && !new RegExp(`\\sxmlns${prefix && `:${prefix.replaceAll('.', '\\.')}`}\\s*=`).test(head),
    )
    .map((prefix) => ` xmlns${prefix && `:${prefix}`}="${inScope.get(prefix)}"`);
  const marked = / [\w.-]+:IsReferenceParameter=/.test(head)
    ? ''
    : ` wsa-ref:IsReferenceParameter="true" xmlns:wsa-ref="${ns.addressing}"`;
  return `<${name}${added.join('')}${marked}${text.slice(name.length + 1)}`;
}
