/** `/healthz`: 200 while the site does its work, 503 with the parts that do not. */
import type { Clock } from '../clock/clock';
import { asAlarmflowError } from '../domain/errors';
import type { PartHandler } from './http-server';
import { sendJson, sendText } from './replies';

/** What one part says of itself. */
export interface PartHealth {
  ok: boolean;
  /** A sentence for people; never a secret. Shown to those who are logged in. */
  detail?: string;
  /** Plain figures. */
  facts?: Record<string, string | number | boolean | null>;
}

export interface HealthOptions {
  version: string;
  /** By name, e.g. `record`, `queue`, `flows`. */
  parts: Record<string, () => PartHealth | Promise<PartHealth>>;
  clock: Clock;
}

/** A part that takes longer is as good as dead to whoever asks. */
const PART_MS = 2_000;

export function createHealth({ version, parts, clock }: HealthOptions): PartHandler {
  const startedAt = clock.monotonic();

  async function ask(part: () => PartHealth | Promise<PartHealth>): Promise<PartHealth> {
    let timer: { cancel(): void } | undefined;
    const late = new Promise<PartHealth>((resolve) => {
      timer = clock.after(PART_MS, () => resolve({ ok: false, detail: `no answer within ${PART_MS / 1000} s` }), {
        background: true,
      });
    });
    try {
      return await Promise.race([(async () => part())(), late]);
    } catch (error) {
      const { code, message, family } = asAlarmflowError(error);
      return { ok: false, detail: family === 'bug' ? code : message };
    } finally {
      timer?.cancel();
    }
  }

  return async (request, response, { identity }) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendText(response, 405, 'Only GET and HEAD are known here.', { allow: 'GET, HEAD' });
    const names = Object.keys(parts);
    const answers = await Promise.all(names.map((name) => ask(parts[name]!)));
    const ok = answers.every((answer) => answer.ok);
    const told = names.map((name, index) => {
      const answer = answers[index]!;
      return [name, identity ? answer : { ok: answer.ok }] as const;
    });
    const status = ok ? 'ok' : 'failing';
    const full = identity ? { version, uptimeSeconds: Math.floor((clock.monotonic() - startedAt) / 1000) } : {};
    sendJson(response, ok ? 200 : 503, { status, ...full, parts: Object.fromEntries(told) });
  };
}
