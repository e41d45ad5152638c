/** Names of fields and headers whose values are nobody's business. */
const SECRET = String.raw`[\w.-]{0,40}(?:passw(?:or)?d|passwd|passphrase|\bpwd|secret|token|api[_-]?key|apikey|authorization|credential|private[_-]?key|session[_-]?id|cookie)[\w.-]{0,40}`;
const GONE = '[removed]';

const quotedValue = new RegExp(
  String.raw`(["']${SECRET}["']\s{0,10}:\s{0,10})(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,}\]]+)`,
  'gi',
);
const element = new RegExp(String.raw`(<(?:[\w-]{1,40}:)?${SECRET}(?:\s[^<>]{0,500})?>)[^<]+`, 'gi');
const attributeOrField = new RegExp(String.raw`\b(${SECRET}\s{0,10}=\s{0,10})(?:"[^"]*"?|'[^']*'?|[^\s&;<>"']+)`, 'gi');
const headerLine = new RegExp(String.raw`^(${SECRET}\s{0,10}:[ \t]{0,10})[^\r\n"'{}]+`, 'gim');
const formPart = new RegExp(
  String.raw`(name="?${SECRET}"?[^\r\n]{0,200}\r?\n(?:[\w-]{1,60}:[^\r\n]{0,500}\r?\n){0,8}\r?\n)[^\r\n]+`,
  'gi',
);
const userInUrl = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'<>]{1,200}@/gi;
/** Whole runs, so that none is looked at twice. */
const base64Run = /[A-Za-z0-9+/]+={0,2}/g;
const LONG = 2_048;
/** What the record keeps of a payload. */
const MOST = 64 * 1024;

/**
 * A payload as text for people and for the record: values of fields that are named like secrets are taken out, and
 * pictures in base64 are told by their length only. By name, in JSON, XML, forms and header lines; a secret under an
 * innocent name can't be known. At most 64 KiB.
 */
export function withoutSecrets(text: string): string {
  return text
    .replace(base64Run, (found) => (found.length < LONG ? found : `[${found.length} characters of base64]`))
    .slice(0, MOST)
    .replace(formPart, `$1${GONE}`)
    .replace(quotedValue, `$1"${GONE}"`)
    .replace(element, `$1${GONE}`)
    .replace(attributeOrField, `$1${GONE}`)
    .replace(headerLine, `$1${GONE}`)
    .replace(userInUrl, `$1${GONE}@`)
    .slice(0, MOST);
}
