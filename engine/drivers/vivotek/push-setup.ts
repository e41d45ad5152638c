import { operationalError, userError } from '../../domain/errors';
import type { PushSetUp } from '../driver';
import type { Cgi } from './cgi';
import { escapeParam, type Params } from './params';
import { type CameraRule, type CameraServer, MOST_RULES, MOST_SERVERS, rulesOf, serversOf } from './probe';

/** What was written to the camera. */
export interface PushSetup extends PushSetUp {
  servers: { index: number; url: string }[];
  /** Event rules that now send to one of them. */
  rules: string[];
}

const NAME = 'alarmflow';
const MOST_URL = 255;

/**
 * Lets the camera push its enabled event rules to an ingest path: one HTTP server for each rule, because only its own
 * URL tells which event it was (PROTOCOLS §3.2). Servers that it made before are used again; others are left alone.
 * Proves what it wrote by reading it back.
 *
 * Throws `E_BAD_PARAMETER` (user) for a URL that the camera can't take, `E_NOT_SUPPORTED` (user) without an enabled rule
 * or a free server, `E_DEVICE_ERROR` (operational) where the camera didn't keep what was written.
 */
export async function setUpPush(
  cgi: Cgi,
  deviceName: string,
  ingestUrl: string,
  signal: AbortSignal,
): Promise<PushSetup> {
  const base = ingestUrl.replace(/\/+$/, '');
  if (!/^https?:\/\/[^\s'"<>\\]+$/.test(base) || base.length > MOST_URL - 60)
    throw userError(
      'E_BAD_PARAMETER',
      `"${ingestUrl.slice(0, 100)}" is no URL that the camera can push to: give the device's ingest path with http://`,
    );
  const read = (): Promise<Params> =>
    cgi.getParams(
      'admin',
      [
        ...Array.from({ length: MOST_RULES }, (_, i) => `event_i${i}`),
        ...Array.from({ length: MOST_SERVERS }, (_, i) => `server_i${i}`),
      ],
      'Event settings',
      signal,
    );
  const before = await read();
  const rules = rulesOf(before).filter((rule) => rule.enabled);
  if (rules.length === 0)
    throw userError(
      'E_NOT_SUPPORTED',
      `No event rule of "${deviceName}" is enabled: make one in its Event settings first`,
    );
  const places = placesFor(rules, serversOf(before), deviceName);
  const written: Record<string, string> = {};
  // Only its web page tests a server.
  const setup: PushSetup = { slot: '', tested: null, warnings: [], servers: [], rules: [] };
  rules.forEach((rule, i) => {
    const index = places[i]!;
    const url = `${base}/${escapeParam(rule.trigger || 'event')}?rule=${escapeParam(rule.name)}`;
    if (url.length > MOST_URL)
      throw userError(
        'E_BAD_PARAMETER',
        `The URL for the event "${rule.name}" is longer than ${MOST_URL} characters: shorten its name on the camera`,
      );
    written[`server_i${index}_name`] = `${NAME}${rule.index}`;
    written[`server_i${index}_type`] = 'http';
    written[`server_i${index}_http_url`] = url;
    written[`event_i${rule.index}_action_server_i${index}_enable`] = '1';
    setup.servers.push({ index, url });
    setup.rules.push(rule.name);
  });
  await cgi.setParams(written, 'Event settings', signal);
  const after = await read();
  const lost = Object.entries(written).find(([name, value]) => after.get(name) !== value)?.[0];
  if (lost !== undefined)
    throw operationalError(
      'E_DEVICE_ERROR',
      `"${deviceName}" didn't keep ${lost}: set the server and its event up by hand (see docs/devices/vivotek.md)`,
    );
  setup.slot = setup.servers.map(({ index }) => index + 1).join(', ');
  return setup;
}

/** One server for each rule: what an earlier call made for it, else a free one. */
function placesFor(rules: readonly CameraRule[], servers: readonly CameraServer[], deviceName: string): number[] {
  const own = new Map(servers.filter((s) => s.name.startsWith(NAME)).map((s) => [s.name, s.index]));
  const used = new Set(servers.map((server) => server.index));
  const free = Array.from({ length: MOST_SERVERS }, (_, i) => i).filter((index) => !used.has(index));
  return rules.map((rule) => {
    const place = own.get(`${NAME}${rule.index}`) ?? free.shift();
    if (place === undefined)
      throw userError(
        'E_NOT_SUPPORTED',
        `All ${MOST_SERVERS} servers of "${deviceName}" are in use: remove one in its Event settings`,
      );
    return place;
  });
}
