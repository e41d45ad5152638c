/** Where a service of the device is, as far as the device itself may say. */
export interface ServiceAddress {
  /** Request target, percent-encoded. */
  path: string;
  /** Port that the device told; null where its address can't be read. */
  port: number | null;
  tls: boolean;
  /** As the device wrote it: WS-Addressing compares that. */
  told: string;
}

const encodeOdd = (text: string): string =>
  text.replace(/[^\x21\x23-\x5b\x5d-\x7e]/gu, (c) => encodeURIComponent(c.isWellFormed() ? c : '\ufffd'));

/**
 * Path of an XAddr or URI of the device. Host and port of it are those of the device's own network behind a router, or
 * of a setting that nobody cared for; whoever connects knows better (PROTOCOLS §4.1). Several addresses in one text
 * occur: the first of HTTP is taken. Null when there is no path in it at all.
 */
export function serviceAddress(text: string | null): ServiceAddress | null {
  if (text === null || text.length > 4_000) return null;
  const first =
    text
      .trim()
      .split(/\s+/)
      .find((part) => /^https?:\/\//i.test(part)) ?? text.trim();
  const match = /^(https?):\/\/(?:[^/?#]*@)?([^/?#]*)([/?][^#]*)?/i.exec(first);
  if (!match) {
    const relative = /^\/[^#]*/.exec(first);
    return relative ? { path: encodeOdd(relative[0]), port: null, tls: false, told: first } : null;
  }
  const tls = match[1]!.toLowerCase() === 'https';
  const port = /:(\d{1,5})$/.exec(match[2] ?? '')?.[1];
  const rest = match[3] ?? '/';
  const path = encodeOdd(rest.startsWith('/') ? rest : `/${rest}`);
  const number = port === undefined ? (tls ? 443 : 80) : Number(port);
  return { path, port: number > 0 && number <= 65_535 ? number : null, tls, told: first };
}
