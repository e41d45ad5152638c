import { expect, it } from 'vitest';
import { startAlarmflow } from '../support/alarmflow-process';
import { freePort } from '../support/free-port';
import { temporaryFolder } from '../support/temporary-folder';

it('says that it is well only when the editor answers as well', { timeout: 300_000 }, async () => {
  const port = await freePort();
  const at = (path: string): string => `http://127.0.0.1:${port}${path}`;
  const starting = startAlarmflow({
    args: ['start', '--demo', '--port', String(port)],
    dataDir: await temporaryFolder(),
  });
  let over = false;
  starting.finally(() => (over = true)).catch(() => undefined);
  // Often: what is looked for lasts for milliseconds.
  const editors: number[] = [];
  while (editors.length < 20 && !over) {
    const health = await fetch(at('/healthz')).catch(() => null);
    await health?.arrayBuffer();
    if (health?.status !== 200) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    const editor = await fetch(at('/editor/'));
    await editor.arrayBuffer();
    editors.push(editor.status);
  }
  const site = await starting;
  await site.kill('SIGTERM');
  expect(editors.length).toBeGreaterThan(0);
  expect(new Set(editors)).toEqual(new Set([200]));
});
