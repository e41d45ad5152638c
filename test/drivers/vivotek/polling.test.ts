import { afterEach, describe, expect, it, vi } from 'vitest';
import { type CameraFault, defaultTiming } from '../../../engine/drivers/vivotek';
import { until } from '../../support/recording-sink';
import { pause } from '../../support/steady-clock';
import { type CameraSite, cameraSite, closeSites, isOnline, soon } from './site';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeSites);

async function online(...faults: CameraFault[]): Promise<CameraSite> {
  const site = await cameraSite({ faults });
  site.connection.start();
  await until('online', isOnline(site.sink));
  return site;
}

const inputs = ({ sink }: CameraSite): string[] =>
  sink.events.filter(({ draft }) => draft.type === 'digital-input').map(({ draft }) => `${draft.input} ${draft.phase}`);

describe('the inputs of a camera', () => {
  it.each<CameraFault[]>([
    [],
    ['unquoted-values'],
    ['lf-only'],
    ['wrong-content-length'],
    ['no-content-length'],
    ['one-at-a-time'],
    ['no-capability'],
    ['basic'],
    ['stale-nonce'],
    ['reject-reused-nonce-403'],
    ['drop-401-body'],
    ['drop-401-body', 'basic'],
    ['busy-once'],
  ])('tell start and end: %s', async (...faults) => {
    const site = await online(...faults);
    site.sim.setInput(1, true);
    await until('start', () => inputs(site).includes('1 start'));
    site.sim.setInput(1, false);
    await until('stop', () => inputs(site).at(-1) === '1 stop');
    expect(inputs(site)).toEqual(['0 stop', '1 stop', '1 start', '1 stop']);
  });

  it('are numbered as the camera counts', async () => {
    const site = await online('numbering-from-1');
    site.sim.setInput(1, true);
    await until('start', () => inputs(site).includes('2 start'));
    expect(inputs(site).slice(0, 2)).toEqual(['1 stop', '2 stop']);
  });

  it('tell a state at the beginning, not an edge', async () => {
    const site = await cameraSite();
    site.sim.setInput(0, true);
    site.connection.start();
    await until('told', () => inputs(site).length === 2);
    expect(inputs(site)).toEqual(['0 snapshot', '1 stop']);
  });

  it.each<CameraFault>(['bouncing-input', 'short-content-length'])(
    'raise nothing by what is no settled state: %s',
    async (fault) => {
      const site = await online();
      await until('both read', () => inputs(site).length === 2);
      site.sim.faults.set(fault);
      const before = site.captured.length;
      await until('some readings', () => site.captured.length > before + 6);
      expect(inputs(site)).toEqual(['0 stop', '1 stop']);
      expect(site.sink.links.at(-1)?.link).toBe('online');
    },
  );

  it('that are normally closed are active at 0', async () => {
    const site = await cameraSite({}, { options: { ...soon, inverted: '1' } });
    site.connection.start();
    await until('told', () => inputs(site).length === 2);
    expect(inputs(site)).toEqual(['0 stop', '1 snapshot']);
  });

  it('are told once more after a loss of the connection', async () => {
    const site = await online();
    site.sim.setInput(0, true);
    await until('start', () => inputs(site).includes('0 start'));
    site.sim.faults.set('close-at-once');
    await until('offline', () => site.sink.links.at(-1)?.link === 'offline');
    site.sim.faults.clear();
    await until('refresh', () => inputs(site).at(-1) === '0 refresh');
  });

  it('that changed while the camera was away are told as what they are', async () => {
    const site = await online();
    site.sim.setInput(0, true);
    await until('start', () => inputs(site).includes('0 start'));
    site.sim.faults.set('close-at-once');
    await until('offline', () => site.sink.links.at(-1)?.link === 'offline');
    site.sim.setInput(0, false);
    site.sim.faults.clear();
    await until('stop', () => inputs(site).at(-1) === '0 stop');
  });
});

describe('inputs that the camera tells nothing of for a while', () => {
  it.each<CameraFault>(['garbage-state', 'inputs-unread'])(
    'are not called polled meanwhile, and read again: %s',
    async (fault) => {
      const site = await online();
      site.sim.faults.set(fault);
      await until(
        'it is said',
        () => site.sink.links.at(-1)?.detail.includes("doesn't tell its user their state") === true,
      );
      expect(site.sink.links.map((l) => l.link)).not.toContain('offline');
      site.sim.faults.clear();
      site.sim.setInput(1, true);
      await until('start', () => inputs(site).at(-1) === '1 start');
      await until('it is said', () => site.sink.links.at(-1)?.detail.includes('are polled') === true);
      expect(inputs(site)).toEqual(['0 stop', '1 stop', '1 start']);
    },
  );
});

describe('a slow camera', () => {
  it('is not called away, and its inputs are told', async () => {
    const { sim, sink, connection } = await cameraSite({ faults: ['slow'], slowMs: 150 });
    connection.start();
    await until('online', isOnline(sink));
    sim.setInput(1, true);
    await until('the start', () => sink.told().includes('digital-input start'));
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });
});

describe('the outputs of a camera', () => {
  it('are reported when they change', async () => {
    const site = await online();
    const relays = (): string[] =>
      site.sink.events
        .filter(({ draft }) => draft.type === 'relay-state')
        .map(({ draft }) => `${draft.output} ${draft.phase}`);
    await until('read', () => relays().length === 2);
    await site.connection.setOutput('1', true, new AbortController().signal);
    await until('start', () => relays().at(-1) === '1 start');
  });
});

describe('the link', () => {
  it('is noticed as dead within 15 s by the times that are shipped', () => {
    const { presenceMs, answerMs, againMs } = defaultTiming;
    expect(presenceMs + answerMs + againMs + answerMs).toBeLessThan(15_000);
  });

  it.each<CameraFault>(['half-open', 'close-at-once', 'error-in-200', 'other-device'])(
    'is offline soon after %s, and recovers by itself',
    async (fault) => {
      const site = await online();
      site.sim.faults.set(fault);
      await until('offline', () => site.sink.links.at(-1)?.link === 'offline');
      site.sim.faults.clear();
      await until('online', isOnline(site.sink));
    },
  );

  it('survives a reboot that resets the connections', async () => {
    const site = await online();
    site.sim.cut();
    const before = site.captured.length;
    await until('polled again', () => site.captured.length > before + 3);
    expect(site.sink.links.at(-1)?.link).toBe('online');
  });

  it('tries a wrong password once, then waits a minute', async () => {
    const { sim, sink, connection } = await cameraSite({}, { credentials: { user: 'root', password: 'wrong' } });
    connection.start();
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    await pause(500);
    expect(sim.state().refusedLogins).toBe(1);
    expect(sink.locks[0]).toBeGreaterThan(0);
  });

  it('asks a camera that only pushes whether it is there, and nothing of its inputs', async () => {
    const site = await cameraSite({}, { receive: 'push' });
    site.connection.start();
    await until('online', isOnline(site.sink));
    const before = site.sim.state().requests;
    await until('asked again', () => site.sim.state().requests > before + 2);
    expect(inputs(site)).toEqual([]);
    site.sim.faults.set('half-open');
    await until('offline', () => site.sink.links.at(-1)?.link === 'offline');
  });

  it("measures the camera's clock by its Date header", async () => {
    const site = await online('wrong-clock');
    expect(site.sink.offsets[0]).toBeLessThan(-8 * 365 * 86_400_000);
    expect(site.sink.links.at(-1)?.link).toBe('online');
  });

  it.each<CameraFault>(['privilege-401', 'privilege-403', 'no-date-header'])(
    'is online for a user who may not read inputs, and locks nothing: %s',
    async (fault) => {
      const { sim, sink, connection } = await cameraSite({ privilege: 'viewer', faults: [fault] });
      connection.start();
      await until('online', isOnline(sink));
      expect(sink.links.at(-1)?.detail).toContain('privilege of an operator');
      expect(sink.locks).toEqual([]);
      await pause(300);
      expect(sink.links.at(-1)?.link).toBe('online');
      expect(sim.state().refusedLogins).toBe(0);
    },
  );
});
