import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { isoTime } from '../clock/clock';
import type { ExplainedEvent } from '../domain/record';
import { callSite, findRunningSite } from './running-site';

export interface EventsOptions {
  data: string;
  follow?: boolean;
  json?: boolean;
  limit: string;
  device?: string;
  type?: string;
}

/** `alarmflow events`: every event as understood, and what became of it and why; oldest first. */
export async function eventsCommand(
  options: EventsOptions,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const site = await findRunningSite(options.data);
  const query = new URLSearchParams({ limit: options.limit });
  if (options.device) query.set('deviceId', options.device);
  if (options.type) query.set('type', options.type);
  if (options.follow) query.set('follow', '1');
  const body = await callSite(site, `/api/v1/events?${query}`, { signal });
  const show = (entry: ExplainedEvent): void => print(options.json ? JSON.stringify(entry) : describe(entry));
  if (!options.follow) {
    const page = (await new Response(body).json()) as { events: ExplainedEvent[] };
    for (const entry of page.events.reverse()) show(entry);
    return;
  }
  const lines = createInterface({
    input: Readable.fromWeb(body as NodeReadableStream),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  try {
    for await (const line of lines) if (line.trim() !== '') show(JSON.parse(line) as ExplainedEvent);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** One event as one line for people. */
export function describe({ event, decisions }: ExplainedEvent): string {
  const where = [
    event.channel === undefined ? null : `channel ${event.channel}`,
    event.input === undefined ? null : `input ${event.input}`,
    event.rule === undefined ? null : `rule ${event.rule}`,
    event.target ?? null,
    event.temperature?.value === undefined ? null : `${event.temperature.value} ${event.temperature.unit}`,
  ].filter((part) => part !== null);
  const fate = decisions.map(({ outcome, reason, detail }) =>
    `${outcome}${reason ? ` (${reason})` : ''} ${detail}`.trim(),
  );
  return `${isoTime(event.receivedAt)}  ${event.deviceId}  ${event.type} ${event.phase}  ${where.join(', ')}  → ${
    fate.join('; ') || 'no trigger listens to it'
  }`;
}
