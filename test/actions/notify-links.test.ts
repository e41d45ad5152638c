import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notifyHandler } from '../../engine/actions/notify';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { usualStatuses } from '../../engine/domain/alarm-centre';
import { silentLog } from '../../engine/domain/log';
import { type AlarmCentreServer, startAlarmCentre } from '../support/alarm-centre-server';
import { aRow } from './action-bench';

let server: AlarmCentreServer;
let asked: unknown[];
beforeEach(async () => {
  server = await startAlarmCentre();
  asked = [];
});
afterEach(() => server.close());

const body = '{"answer": "{{links.acknowledge}}", "false": {{ links.falseAlarm }}}';

async function told(text: string, row: Partial<ActionRow> = {}, test = false): Promise<unknown> {
  const handler = notifyHandler({
    alarmCentre: () => ({
      id: 'centre',
      name: 'City',
      url: `http://127.0.0.1:${server.port}/`,
      method: 'POST',
      login: { kind: 'none' },
      tls: { authority: '', fingerprint: '', certificate: '', key: '', passphrase: '' },
      accepted: usualStatuses,
      mustHold: '',
      mustNotHold: '',
      timeoutMs: 5_000,
      sign: 'json',
    }),
    links({ alarmId }, ...about) {
      asked.push([alarmId, ...about]);
      return { acknowledge: 'https://x/a', snooze: 'https://x/s', falseAlarm: 'https://x/f' };
    },
    clock: systemClock,
    log: silentLog,
    siteName: 'Plant',
    media: { keep: async () => '', read: async () => null },
    pictures: async () => [],
  });
  const params = {
    centreId: 'centre',
    phases: ['raise', 'clear'],
    format: 'json',
    body: text,
    path: '',
    contentType: '',
    scheduleId: null,
    senderAddress: '',
    senderMac: '',
  };
  const signal = new AbortController().signal;
  await handler.execute({ row: aRow('notify', params, row), attempt: 1, signal, ...(test ? { test } : {}) });
  return JSON.parse(String(server.asked.at(-1)?.body));
}

describe('links in a notice', () => {
  it('stand where its body names them, with the alarm centre as who got them', async () => {
    expect(await told(body)).toEqual({ answer: 'https://x/a', false: 'https://x/f' });
    expect(asked).toEqual([['alarm-1', expect.stringContaining('City'), 'notice']]);
  });

  it('are not made for a body that names none, for a test, and once the alarm has cleared', async () => {
    await told('{"text": "links"}');
    expect(await told(body, {}, true)).toEqual({ answer: '', false: null });
    expect(await told(body, { phase: 'clear' })).toEqual({ answer: '', false: null });
    expect(asked).toEqual([]);
  });
});
