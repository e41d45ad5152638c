import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AuditRow } from '../../engine/domain/record';
import { openDryRun } from '../../engine/host/dry-run';

/** A record that outlives the process. */
function site() {
  const settings = new Map<string, unknown>();
  const audit: AuditRow[] = [];
  const turned: boolean[] = [];
  let writable = true;
  const open = (held = false) =>
    openDryRun({
      settings: {
        readSetting: async <T>(name: string) => (settings.get(name) as T | undefined) ?? null,
        async writeSetting(name, value) {
          if (!writable) throw new Error('disk full');
          settings.set(name, value);
        },
      },
      writer: { commit: async (writes) => void audit.push(...(writes.audit ?? [])) },
      clock: new VirtualClock(1_000),
      held,
      turned: (on) => turned.push(on),
    });
  return {
    open,
    audit,
    turned,
    full: () => {
      writable = false;
    },
  };
}

describe('the dry run of a site', () => {
  it('is off until somebody switches it', async () => {
    const dry = await site().open();
    expect([dry.isOn(), dry.state()]).toEqual([false, { on: false, who: null, since: null, held: false }]);
  });

  it('is on record with who switched it, and survives a restart', async () => {
    const { open, audit, turned } = site();
    await (await open()).set(true, 'anna');
    const again = await open();
    expect(again.state()).toEqual({ on: true, who: 'anna', since: 1_000, held: false });
    await again.set(false, 'otto');
    expect((await open()).isOn()).toBe(false);
    expect(audit.map(({ who, action, detail }) => `${who} ${action} ${detail}`)).toEqual([
      'anna site.dry-run on: actions and outputs are written down and not done',
      'otto site.dry-run off: actions are done and outputs driven',
    ]);
    expect(turned).toEqual([true, false]);
  });

  it('is not switched twice', async () => {
    const { open, audit } = site();
    const dry = await open();
    await dry.set(true, 'anna');
    await dry.set(true, 'otto');
    expect(audit).toHaveLength(1);
  });

  it('stays as it was when it cannot be kept', async () => {
    const { open, full, turned } = site();
    const dry = await open();
    full();
    await expect(dry.set(true, 'anna')).rejects.toThrow();
    expect([dry.isOn(), turned]).toEqual([false, []]);
  });

  it('cannot be switched off while the command line holds it on, and changes nothing that was kept', async () => {
    const { open } = site();
    const held = await open(true);
    expect(held.state()).toEqual({ on: true, who: null, since: null, held: true });
    await expect(held.set(false, 'anna')).rejects.toMatchObject({ code: 'E_DRY_RUN_HELD', family: 'user' });
    expect((await open()).isOn()).toBe(false);
  });
});
