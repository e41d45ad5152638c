import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  closeConnected,
  closers,
  connected,
  isOnline,
  patient,
  prepared,
  quick,
  settled,
} from '../../support/connected-dahua';
import { until } from '../../support/recording-sink';
import { secureFront } from '../../support/secure-front';
import { selfSigned } from '../../support/smtp-certificate';
import { pause, steadyClock } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeConnected);

/** Null where openssl is missing: then nothing is tried over HTTPS. */
const certificate = selfSigned();

describe('the connection', () => {
  it('comes back after the device has cut it, without being offline in between', async () => {
    const { sim, sink } = await settled();
    sim.cutStreams();
    await until('a second stream', () => sim.state().streamsOpened === 2 && sim.state().streams === 1);
    sim.fire({ code: 'VideoMotion' });
    await until('the event is there', () => sink.events.length === 1);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('notices a half-open connection by silence and an unanswered question', async () => {
    const { sim, sink } = await connected({}, {}, quick);
    await until('online', isOnline(sink));
    const before = steadyClock.monotonic();
    sim.faults.set('half-open');
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    // 15 s, 20 times shorter.
    expect(steadyClock.monotonic() - before).toBeLessThan(750);
    sim.faults.set('half-open', false);
    await until('online again', isOnline(sink));
  });

  it('opens a stream that fell silent anew while the device answers, and never calls it offline', async () => {
    const { sim, sink } = await connected({}, {}, quick);
    await until('online', isOnline(sink));
    sim.faults.set('silent-stream');
    await until('a second stream', () => sim.state().streamsOpened >= 2);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('tries the other name of the heart-beat where the first brings none', async () => {
    const { sim, sink } = await connected({ faults: ['keepalive-only'] }, {}, quick);
    await until('a second stream', () => sim.state().streamsOpened === 2);
    await pause(1_000);
    expect(sim.state().streamsOpened).toBe(2);
    expect(sim.state().targets.some((t) => t.includes('keepalive=5'))).toBe(true);
    expect(isOnline(sink)()).toBe(true);
  });

  it('leaves the stream of a device that never beats alone, and asks the device instead', async () => {
    const { sim, sink } = await connected({ faults: ['no-heartbeat'] }, {}, quick);
    await until('a third stream', () => sim.state().streamsOpened === 3);
    const asked = (): number => sim.state().targets.filter((t) => t.includes('getCurrentTime')).length;
    const before = asked();
    await pause(1_500);
    await until('it was asked again and again', () => asked() > before + 2);
    expect(sim.state().streamsOpened).toBe(3);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('waits longer and longer for a device that closes at once', async () => {
    const { sim, sink } = await connected({ faults: ['close-at-once'] });
    await until('two tries', () => sim.state().streamsOpened >= 2);
    await pause(1_500);
    expect(sim.state().streamsOpened).toBeLessThanOrEqual(4);
    expect(sink.events).toEqual([]);
  });

  it.each(['503-stream', 'error-in-200-stream'])('says why there is no stream with the fault %s', async (fault) => {
    const { sink } = await connected({ faults: [fault] });
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(sink.links.at(-1)?.detail).toMatch(/event stream/);
  });

  it('asks a device again who it is that was busy with its start', async () => {
    const { sim, sink } = await connected(
      { inputs: 2, faults: ['identity-busy'] },
      {},
      { ...patient, learnAgainMs: 100 },
    );
    await until('online', isOnline(sink));
    await until('it was asked in vain', () => sim.state().targets.some((t) => t.includes('getDeviceType')));
    expect(sink.factList).toEqual([]);
    sim.faults.clear();
    await until('it is known', () => sink.factList.length === 1);
    await until('its inputs are known to be at rest', () => sink.events.length === 2);
  });

  it('is offline at once where nothing listens', async () => {
    const { sim, sink } = await settled();
    await sim.close();
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
  });

  it('closes within a second, also while a request hangs', async () => {
    const { sink } = await connected({ faults: ['half-open'] });
    await pause(100);
    const before = steadyClock.monotonic();
    await closers.pop()?.();
    expect(steadyClock.monotonic() - before).toBeLessThan(1_000);
    expect(sink.events).toEqual([]);
  });

  it('is not pushed to', async () => {
    const { connection } = await connected();
    const request = { method: 'POST', path: '/', headers: {}, body: Buffer.from('{}'), remoteAddress: '127.0.0.1' };
    await expect(connection.push(request)).rejects.toMatchObject({ code: 'E_BAD_PUSH', family: 'user' });
  });
});

describe('the login', () => {
  it('is tried with a wrong password no more than twice', async () => {
    const { sim, sink } = await connected({}, { credentials: { user: 'admin', password: 'wrong' } });
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    await pause(1_500);
    expect(sim.state().logins.refused).toBeLessThanOrEqual(2);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 30_000);
  });

  it('that a device refuses with a 200 is tried no more than twice, and taken up again with the right password', async () => {
    const faults = ['authority-in-200'];
    const { sim, sink, connection } = await connected(
      { faults },
      { credentials: { user: 'admin', password: 'wrong' } },
    );
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    await pause(1_500);
    const order = connection.setOutput('0', true, new AbortController().signal);
    await expect(order).rejects.toMatchObject({ code: 'E_CREDENTIALS_REFUSED' });
    expect(sim.state().logins.refused).toBeLessThanOrEqual(2);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 30_000);
  });

  it('that a device takes no more, with a 200, is noticed', async () => {
    const { sim, sink, connection } = await settled({ faults: ['authority-in-200'] });
    sim.setPassword('another');
    const order = connection.setOutput('0', true, new AbortController().signal);
    await expect(order).rejects.toMatchObject({ code: 'E_CREDENTIALS_REFUSED' });
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    expect(sim.state().logins.refused).toBeLessThanOrEqual(2);
  });

  it('of a user who may not read events is refused, and says what is missing', async () => {
    const { sink } = await connected({ faults: ['no-event-rights'] });
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    expect(sink.links.at(-1)?.detail).toMatch(/the right to do this/);
    expect(sink.locks).toEqual([]);
  });

  it('that a locked account refuses is told apart from a wrong password', async () => {
    const { sim, sink } = await connected(
      { lockAfter: 1, lockMs: 900_000, faults: ['lock-words'] },
      { credentials: { user: 'admin', password: 'wrong' } },
    );
    await until('the lock is told', () => /locked for \d+ s/.test(sink.links.at(-1)?.detail ?? ''));
    expect(sim.state().logins.refused).toBe(1);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 600_000);
  });

  it.skipIf(certificate === null)('follows a redirect to HTTPS, and stays there', async () => {
    const secure = await secureFront(certificate, () => front.sim.port);
    closers.push(secure.close);
    const front = await prepared();
    const { sim, sink } = await connected({ redirectTo: `https://127.0.0.1:${secure.port}` });
    await until('online', isOnline(sink));
    await until('the device is known', () => sink.factList.length > 0);
    front.sim.fire({ code: 'VideoMotion' });
    await until('the event is there', () => sink.events.length === 1);
    expect(front.sim.state().streams).toBe(1);
    // The stream's first request, and at most one of the requests beside it.
    expect(sim.state().requests).toBeLessThanOrEqual(2);
  });

  it.skipIf(certificate === null)('says that a certificate is not trusted', async () => {
    const secure = await secureFront(certificate, () => front.sim.port);
    closers.push(secure.close);
    const front = await prepared();
    const { sink } = await connected({}, { port: secure.port, tls: true, allowSelfSigned: false });
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(sink.links.at(-1)?.detail).toMatch(/certificate .* is not trusted/);
  });
});
