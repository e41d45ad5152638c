import { afterEach, describe, expect, it, vi } from 'vitest';
import { closeOnvif, connectedOnvif, onvifOnline } from '../../support/connected-onvif';
import { until } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeOnvif);

describe('the life of a subscription', () => {
  it('holds one slot, asks for all states once, and gives the slot back at the close', async () => {
    const { sim, sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    await until('it is synchronised', () => sim.state().events.synchronizations === 1);
    await pause(500);
    expect(sim.state().subscriptions).toBe(1);
    expect(sim.state().events.created).toBe(1);
    const before = steadyClock.monotonic();
    await connection.close();
    expect(steadyClock.monotonic() - before).toBeLessThan(1_000);
    expect(sim.state()).toMatchObject({ subscriptions: 0, events: { unsubscribed: 1 } });
  });

  it('closes within a second while the device is half-open', async () => {
    const { sim, sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.faults.set('half-open');
    const before = steadyClock.monotonic();
    await connection.close();
    expect(steadyClock.monotonic() - before).toBeLessThan(1_000);
  });

  it('renews where pulling does not prolong', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['pull-does-not-prolong'], longestMs: 1_000 });
    await until('online', onvifOnline(sink));
    await until('renewals', () => sim.state().events.renewals >= 3);
    expect(sim.state().events.created).toBe(1);
  });

  it('does not renew where pulling prolongs', async () => {
    const { sim, sink } = await connectedOnvif({ longestMs: 1_000 });
    await until('online', onvifOnline(sink));
    await until('pulls', () => sim.state().events.pulls >= 6);
    expect(sim.state().events.renewals).toBe(0);
  });

  it('changes over in time where neither pulling nor renewing prolongs, without being offline', async () => {
    const { sim, sink } = await connectedOnvif({
      faults: ['pull-does-not-prolong', 'renew-unsupported'],
      longestMs: 1_000,
    });
    await until('online', onvifOnline(sink));
    await until('a second subscription', () => sim.state().events.created >= 2);
    await until('it stands', () => sim.state().subscriptions === 1);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
    // The first one was given back, not left to run out.
    expect(sim.state().events.unsubscribed).toBeGreaterThanOrEqual(1);
  });

  it('does not hurry when the end of the subscription equals its beginning', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['termination-equals-current'] });
    await until('online', onvifOnline(sink));
    await pause(1_500);
    expect(sim.state().events.created).toBe(1);
    expect(sim.state().events.renewals).toBeLessThanOrEqual(2);
    expect(sim.state().events.pulls).toBeLessThan(12);
  });

  it.each(['max-timeout', 'max-messages'])('adopts the limits of the fault %s', async (fault) => {
    const { sim, sink } = await connectedOnvif({ faults: [fault] });
    await until('online', onvifOnline(sink));
    await until('pulls', () => sim.state().events.pulls >= 3);
    await pause(700);
    expect(sim.state().events.created).toBe(1);
  });

  it('makes a new one when the device does not know it any more', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.faults.set('unknown-subscription-once');
    await until('a second one', () => sim.state().events.created === 2);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('asks again and again while the creation is refused, and is then online', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['creation-refused'] });
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(sink.links.at(-1)?.detail).toMatch(/Subscription refused/);
    await until('two tries', () => sim.state().events.refused >= 2);
    sim.faults.clear();
    await until('online', onvifOnline(sink));
  });

  it('says that other clients hold all subscriptions', async () => {
    const { sink } = await connectedOnvif({ slots: 0 });
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(sink.links.at(-1)?.detail).toMatch(/no subscription left.*end other clients/);
  });

  it('does not hammer a device that answers empty pulls at once', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['immediate-answers'] });
    await until('online', onvifOnline(sink));
    await pause(1_500);
    expect(sim.state().events.pulls).toBeLessThan(12);
  });

  it('makes a new one when pulling fails for good', async () => {
    const { sim, sink } = await connectedOnvif({ faults: ['pull-fault-always'] });
    await until('several', () => sim.state().events.created >= 2);
    expect(sink.events.filter((e) => e.draft.phase === 'start')).toEqual([]);
  });
});
