import { gzipSync } from 'node:zlib';
import type { FaultSwitches } from '../../simulated/faults';
import type { SenderFault } from './faults';

/** One event as the simulated sender tells it; all of it is free text, as senders are. */
export interface SentEvent {
  type?: string;
  phase?: string;
  channel?: string | number;
  input?: string | number;
  rule?: string;
  target?: string;
  temperature?: string | number;
  unit?: string;
  time?: string;
  description?: string;
  [field: string]: string | number | undefined;
}

/** The forms in which it can push. */
export const senderForms = [
  'json',
  'json-wrapped',
  'json-list',
  'json-base64',
  'xml',
  'xml-list',
  'form',
  'form-json',
  'form-escaped',
  'multipart',
  'text',
  'picture',
  'query',
] as const;

export type SenderForm = (typeof senderForms)[number];

export interface Sending {
  method: string;
  /** Added to the target's path and query. */
  suffix: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** A picture of eight by eight grey dots. */
export const greyPicture: Buffer = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/wAALCAAIAAgBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AL+AH//Z',
  'base64',
);

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const entriesOf = (event: SentEvent): [string, string][] =>
  Object.entries(event).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));

function xmlOf(events: SentEvent[], root: string | null, eol: string, prefix: string): string {
  const one = (event: SentEvent): string =>
    `<${prefix}event>${eol}${entriesOf(event)
      .map(([name, value]) => `<${prefix}${name}>${escapeXml(value)}</${prefix}${name}>${eol}`)
      .join('')}</${prefix}event>`;
  const space = prefix === '' ? '' : ` xmlns:${prefix.slice(0, -1)}="urn:example:alarms"`;
  const body = events.map(one).join(eol);
  const text = root === null ? body : `<${prefix}${root}${space}>${eol}${body}${eol}</${prefix}${root}>`;
  return `<?xml version="1.0" encoding="UTF-8"?>${eol}${text}`;
}

/** What the sender puts on the wire for these events. */
export function sendingOf(form: SenderForm, events: SentEvent[], faults: FaultSwitches<SenderFault>): Sending {
  const eol = faults.has('lf-only') ? '\n' : '\r\n';
  const secrets: SentEvent = faults.has('secret-fields') ? { password: 'hunter2', api_key: 'K-12345' } : {};
  const told = events.map((event) => ({ ...event, ...secrets }));
  const first = told[0] ?? {};
  const packed = draw(form, told, first, eol, faults);
  const headers: Record<string, string> = { 'Content-Type': packed.type };
  let { body } = packed;
  if (faults.has('byte-order-mark')) body = Buffer.concat([Buffer.from('\ufeff'), body]);
  if (faults.has('nul-behind')) body = Buffer.concat([body, Buffer.alloc(3)]);
  if (faults.has('cut-body')) body = body.subarray(0, Math.ceil(body.length / 2));
  if (faults.has('latin1')) body = Buffer.from(body.toString('utf8'), 'latin1');
  if (faults.has('gzip') || faults.has('gzip-unsaid')) body = gzipSync(body);
  if (faults.has('gzip')) headers['Content-Encoding'] = 'gzip';
  if (faults.has('zip-bomb')) {
    body = gzipSync(Buffer.alloc(64 << 20));
    headers['Content-Encoding'] = 'gzip';
  }
  if (faults.has('wrong-content-type')) headers['Content-Type'] = 'application/x-www-form-urlencoded';
  if (faults.has('no-content-type')) delete headers['Content-Type'];
  if (faults.has('lost-boundary')) headers['Content-Type'] = headers['Content-Type']?.replace(/;.*/, '') ?? '';
  if (secrets.password) headers.Authorization = 'Bearer abcdef';
  return { method: faults.has('get') ? 'GET' : 'POST', suffix: packed.suffix ?? '', headers, body };
}

function draw(
  form: SenderForm,
  events: SentEvent[],
  first: SentEvent,
  eol: string,
  faults: FaultSwitches<SenderFault>,
): { type: string; body: Buffer; suffix?: string } {
  const json = (value: unknown): { type: string; body: Buffer } => {
    let text = JSON.stringify(value);
    if (faults.has('sloppy-json')) text = text.replace(/\}$/, ',"humidity":NaN,"seq":007,}');
    return { type: 'application/json', body: Buffer.from(text) };
  };
  const xml = (root: string | null): { type: string; body: Buffer } => {
    const prefix = faults.has('namespaces') ? 'a:' : '';
    let text = xmlOf(events, root, eol, prefix);
    if (faults.has('blank-line-first')) text = `${eol}${eol}${text}`;
    if (faults.has('doctype')) text = text.replace('?>', '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>');
    return { type: 'application/xml', body: Buffer.from(text) };
  };
  const fields = new URLSearchParams(entriesOf(first)).toString();
  switch (form) {
    case 'json':
      return json(first);
    case 'json-wrapped':
      return json({ Notification: { device: 'gate', event: first } });
    case 'json-list':
      return json(events);
    case 'json-base64':
      return json({ ...first, image: greyPicture.toString('base64') });
    case 'xml':
      return xml(faults.has('namespaces') ? 'report' : null);
    case 'xml-list':
      return xml('report');
    case 'form':
      return { type: 'application/x-www-form-urlencoded', body: Buffer.from(fields) };
    case 'form-json': {
      const payload = new URLSearchParams({ payload: JSON.stringify(first), version: '2' }).toString();
      return { type: 'application/x-www-form-urlencoded', body: Buffer.from(payload) };
    }
    case 'form-escaped':
      return {
        type: 'application/x-www-form-urlencoded',
        body: Buffer.from(encodeURIComponent(JSON.stringify(first))),
      };
    case 'text':
      return {
        type: 'text/plain',
        body: Buffer.from(
          entriesOf(first)
            .map(([name, value]) => `${name}: ${value}`)
            .join(eol),
        ),
      };
    case 'picture':
      return { type: 'image/jpeg', body: greyPicture, suffix: `?${fields}` };
    case 'query':
      return { type: 'text/plain', body: Buffer.alloc(0), suffix: `?${fields}` };
    case 'multipart': {
      const parts = entriesOf(first).map(([name, value]) =>
        Buffer.from(`--pushed${eol}Content-Disposition: form-data; name="${name}"${eol}${eol}${value}${eol}`),
      );
      const picture = Buffer.from(
        `--pushed${eol}Content-Disposition: form-data; name="snapshot"; filename="snap.jpg"${eol}Content-Type: image/jpeg${eol}${eol}`,
      );
      const body = Buffer.concat([...parts, picture, greyPicture, Buffer.from(`${eol}--pushed--${eol}`)]);
      return { type: 'multipart/form-data; boundary=pushed', body };
    }
  }
}
