/** Takes secrets out of bytes as a device sent them, so that a capture can be shown to others. */

/** Words in names of fields whose values are nobody's business. */
const NAME =
  '[\\w.-]{0,40}(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|authorization|credential|cookie|api[-_]?key|private[-_]?key|csrf|session[-_]?id|community|nonce|digest)[\\w.-]{0,40}';

/** What stands before a secret, and the secret itself, in the notations that devices use. */
const notations: readonly RegExp[] = [
  // "password": "…"
  new RegExp(`(["']${NAME}["']\\s{0,10}:\\s{0,10}["']?)([^"'\\s,}\\]][^"',}\\]\\r\\n]{0,2000})`, 'gi'),
  // <password …>…</password>
  new RegExp(`(<(?:[\\w-]{1,40}:)?${NAME}(?:\\s[^<>]{0,500})?>)([^<]{1,2000})`, 'gi'),
  // password=… in forms, queries, attributes and key-value texts
  new RegExp(`(\\b${NAME}\\s{0,10}=\\s{0,10}["']?)([^\\s&;,<>"']{1,2000})`, 'gi'),
  // Authorization: … and the like
  new RegExp(`((?:^|\\n)${NAME}[ \\t]{0,10}:[ \\t]{0,10})([^\\r\\n"'{}<>]{1,4000})`, 'gi'),
  // user:password@host
  /([a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"'<>]{0,200}:)([^\s/@"'<>]{1,500})(?=@)/gi,
];

/** Shorter ones occur in ordinary words. */
const SHORTEST = 3;

/** A secret as it may stand in what a device sends. */
const spellings = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret.toWellFormed()),
  JSON.stringify(secret).slice(1, -1),
  secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  Buffer.from(secret).toString('base64'),
];

/**
 * The bytes with every secret replaced by stars, as many as it had bytes: lengths that the bytes tell of themselves
 * stay true. Values are known by the names of their fields, and by the secrets given, in the spellings in which they
 * leave a process. Fields with such names are covered in texts; pictures and frames lose only the given values.
 */
export function withoutSecrets(bytes: Buffer, secrets: readonly string[], isText: boolean): Buffer {
  // One character is one byte, whatever the encoding.
  let text = bytes.toString('latin1');
  const known = [...new Set(secrets.filter((secret) => secret.length >= SHORTEST).flatMap(spellings))]
    .map((spelling) => Buffer.from(spelling, 'utf8').toString('latin1'))
    .sort((a, b) => b.length - a.length);
  for (const secret of known) if (text.includes(secret)) text = text.replaceAll(secret, '*'.repeat(secret.length));
  if (isText)
    for (const notation of notations)
      text = text.replace(notation, (_all, before: string, secret: string) => before + '*'.repeat(secret.length));
  return Buffer.from(text, 'latin1');
}
