import { afterEach, describe, expect, it } from 'vitest';
import { closeConnected, prepared } from '../../support/connected-dahua';
import { until } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';

afterEach(closeConnected);

const signal = (): AbortSignal => AbortSignal.timeout(30_000);

describe('alarm outputs', () => {
  it('are forced on, go back to automatic, never to off, and are read back', async () => {
    const { sim, connection } = await prepared();
    expect(await connection.setOutput('1', true, signal())).toBe(true);
    expect(sim.state().outputs).toEqual([
      { id: 0, on: false, mode: '0' },
      { id: 1, on: true, mode: '1' },
    ]);
    expect(await connection.readOutput('1', signal())).toBe(true);
    expect(await connection.setOutput('1', false, signal())).toBe(false);
    expect(sim.state().commands.map((c) => c.command)).toEqual(['AlarmOut[1].Mode=1', 'AlarmOut[1].Mode=0']);
  });

  it('that the device’s own linkage holds are released all the same', async () => {
    const { sim, connection } = await prepared({ faults: ['output-held-by-linkage'] });
    expect(await connection.setOutput('0', false, signal())).toBeNull();
    expect(await connection.readOutput('0', signal())).toBe(true);
    expect(sim.state().outputs[0]?.mode).toBe('0');
  });

  it('that do not follow show the state that they have', async () => {
    const { connection } = await prepared({ faults: ['output-ignored'] });
    expect(await connection.setOutput('0', true, signal())).toBe(false);
  });

  it('whose state the device does not tell are known by their setting', async () => {
    const { connection } = await prepared({ faults: ['output-status-missing'] });
    expect(await connection.setOutput('0', true, signal())).toBe(true);
    expect(await connection.setOutput('0', false, signal())).toBeNull();
  });

  it.each([
    ['an error in a 200', ['error-in-200'], '1', 'E_DEVICE_ERROR', 'operational'],
    ['a busy device', ['busy-once'], '1', 'E_DEVICE_BUSY', 'operational'],
    ['a user without rights', ['no-rights'], '1', 'E_LOW_PRIVILEGE', 'user'],
    ['an output that does not exist', [], '9', 'E_BAD_PARAMETER', 'user'],
    ['no number at all', [], '0].Mode=2&x[0', 'E_BAD_PARAMETER', 'user'],
  ])('answer %s by an error of the right family', async (_name, faults, output, code, family) => {
    const { connection } = await prepared({ faults });
    await expect(connection.setOutput(output, true, signal())).rejects.toMatchObject({ code, family });
  });

  it.each(['raw-brackets-only', 'encoded-brackets-only'])(
    'are set in the spelling that the device takes (%s)',
    async (fault) => {
      const { sim, connection } = await prepared({ faults: [fault] });
      expect(await connection.setOutput('0', true, signal())).toBe(true);
      const before = sim.state().requests;
      expect(await connection.setOutput('0', false, signal())).toBe(false);
      // The spelling is known by now: one request to set, one to read.
      expect(sim.state().requests).toBe(before + 2);
    },
  );

  it('give up when told so', async () => {
    const { connection } = await prepared({ faults: ['slow'] });
    const before = steadyClock.monotonic();
    await expect(connection.setOutput('1', true, AbortSignal.timeout(100))).rejects.toMatchObject({
      family: 'operational',
    });
    expect(steadyClock.monotonic() - before).toBeLessThan(1_000);
  });

  it('are kept back together after one refused password', async () => {
    const { sim, connection } = await prepared({}, { credentials: { user: 'admin', password: 'no' } });
    const tries = await Promise.allSettled([0, 1, 2, 3].map((n) => connection.setOutput(`${n}`, true, signal())));
    expect(tries.map((t) => t.status === 'rejected' && t.reason.code)).toEqual(Array(4).fill('E_CREDENTIALS_REFUSED'));
    expect(sim.state().logins.refused).toBe(1);
  });
});

describe('light and siren', () => {
  it('of a camera are switched and read back', async () => {
    const { sim, connection } = await prepared({ model: 'camera' });
    expect(await connection.setSwitch?.('light', '1', true, {}, signal())).toBe(true);
    expect(await connection.setSwitch?.('siren', '1', true, {}, signal())).toBe(true);
    expect(sim.state()).toMatchObject({ light: true, siren: true });
    expect(await connection.setSwitch?.('light', '1', false, {}, signal())).toBe(false);
    expect(await connection.setSwitch?.('siren', '1', false, {}, signal())).toBe(false);
    expect(await connection.readSwitch?.('light', '1', signal())).toBe(false);
    expect(sim.state().commands.map((c) => c.command)).toEqual(['light on', 'siren on', 'light off', 'siren off']);
  });

  it.each([{ model: 'nvr' }, { model: 'camera', faults: ['no-coaxial'] }])('do not exist on %o', async (options) => {
    const { connection } = await prepared(options);
    await expect(connection.setSwitch?.('siren', '1', true, {}, signal())).rejects.toMatchObject({ family: 'user' });
    expect(await connection.readSwitch?.('siren', '1', signal())).toBeNull();
  });

  it.each(['0', 'x', '-1', '1;2'])('of channel %s are no request at all', async (name) => {
    const { sim, connection } = await prepared({ model: 'camera' });
    const tried = (async () => connection.setSwitch?.('light', name, true, {}, signal()))();
    await expect(tried).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    expect(sim.state().requests).toBe(0);
  });

  it('are no lines', async () => {
    const { connection } = await prepared();
    await expect(connection.setSwitch?.('line', '1', true, {}, signal())).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
    });
  });
});

describe('recording', () => {
  it('goes back to the mode that was found', async () => {
    const { sim, connection } = await prepared();
    sim.setConfig('RecordMode[2].Mode', '2');
    expect(await connection.setSwitch?.('record', '3', true, {}, signal())).toBe(true);
    expect(sim.state().recordModes).toEqual(['0', '0', '1', '0']);
    expect(await connection.setSwitch?.('record', '3', true, {}, signal())).toBe(true);
    expect(await connection.setSwitch?.('record', '3', false, {}, signal())).toBe(false);
    expect(sim.state().recordModes).toEqual(['0', '0', '2', '0']);
  });

  it('that an earlier run left on goes back to the normal mode of the device’s dialog', async () => {
    const { sim, connection } = await prepared({}, { options: { normalRecordMode: 'off' } });
    sim.setConfig('RecordMode[0].Mode', '1');
    expect(await connection.readSwitch?.('record', '1', signal())).toBe(true);
    expect(await connection.setSwitch?.('record', '1', false, {}, signal())).toBe(false);
    expect(sim.state().recordModes[0]).toBe('2');
  });

  it('that somebody has switched off meanwhile stays as it is', async () => {
    const { sim, connection } = await prepared();
    await connection.setSwitch?.('record', '1', true, {}, signal());
    sim.setConfig('RecordMode[0].Mode', '2');
    expect(await connection.setSwitch?.('record', '1', false, {}, signal())).toBe(false);
    expect(sim.state().recordModes[0]).toBe('2');
  });

  it('of a channel that always records by hand has no state of its own', async () => {
    const { sim, connection } = await prepared({}, { options: { normalRecordMode: 'manual' } });
    sim.setConfig('RecordMode[0].Mode', '1');
    expect(await connection.setSwitch?.('record', '1', true, {}, signal())).toBeNull();
    expect(await connection.setSwitch?.('record', '1', false, {}, signal())).toBeNull();
    expect(sim.state().recordModes[0]).toBe('1');
    expect(sim.state().commands).toEqual([]);
  });

  it.each([
    [['record-ignored'], '1', 'E_DEVICE_ERROR'],
    [['error-in-200'], '1', 'E_DEVICE_ERROR'],
    [[], '9', 'E_BAD_PARAMETER'],
  ])('fails with the faults %j on channel %s as %s', async (faults, name, code) => {
    const { connection } = await prepared({ faults });
    await expect(connection.setSwitch?.('record', name, true, {}, signal())).rejects.toMatchObject({ code });
  });
});

describe('pictures', () => {
  it.each([1, 2])('of channel %i are whole', async (channel) => {
    const { connection } = await prepared({ model: 'thermal' });
    const { contentType, bytes } = await connection.snapshot(channel, signal());
    expect(contentType).toBe('image/jpeg');
    expect(bytes.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    expect(bytes.subarray(-2).toString('hex')).toBe('ffd9');
  });

  it('of a device that wants no channel come without, at once the next time', async () => {
    const { sim, connection } = await prepared({
      model: 'camera',
      login: 'none',
      faults: ['snapshot-without-channel'],
    });
    await connection.snapshot(1, signal());
    const { requests } = sim.state();
    await connection.snapshot(1, signal());
    expect(sim.state().requests).toBe(requests + 1);
  });

  it('are tried once more after an error', async () => {
    const { connection } = await prepared({ faults: ['snapshot-error-once'] });
    expect((await connection.snapshot(2, signal())).bytes.length).toBeGreaterThan(500);
  });

  it('are asked for one at a time', async () => {
    const { connection } = await prepared({ faults: ['slow-snapshot'], slowMs: 150, login: 'none' });
    const before = steadyClock.monotonic();
    await Promise.all([1, 2, 3].map((channel) => connection.snapshot(channel, signal())));
    expect(steadyClock.monotonic() - before).toBeGreaterThan(440);
  });

  it('that lack their end are refused', async () => {
    const { connection } = await prepared({ faults: ['truncated-jpeg'] });
    await expect(connection.snapshot(2, signal())).rejects.toMatchObject({ code: 'E_BAD_PICTURE' });
  });

  it('of a channel that there is not are refused', async () => {
    const { connection } = await prepared();
    await expect(connection.snapshot(9, signal())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });

  it.each([0, -1, 1.5, Number.NaN])('of channel %s are no request at all', async (channel) => {
    const { sim, connection } = await prepared();
    await expect(connection.snapshot(channel, signal())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    expect(sim.state().requests).toBe(0);
  });
});

describe('presets', () => {
  it('are called', async () => {
    const { sim, connection } = await prepared();
    await connection.gotoPreset(3, 5, signal());
    expect(sim.state().preset).toEqual({ channel: 3, preset: 5 });
  });

  it.each([
    [{ presets: 4 }, 'E_BAD_PARAMETER'],
    [{ faults: ['error-in-200'] }, 'E_DEVICE_ERROR'],
  ])('fail with %o as %s', async (options, code) => {
    const { connection } = await prepared(options);
    await expect(connection.gotoPreset(1, 9, signal())).rejects.toMatchObject({ code });
  });
});

describe('a siren that falls silent by itself', () => {
  it('is not sounded on by a device whose connection is closed', async () => {
    const { sim, connection } = await prepared({ model: 'camera', sirenMs: 1_000 });
    await connection.setSwitch?.('siren', '1', true, {}, signal());
    await connection.close();
    await until('it is silent', () => !sim.state().siren);
    expect(sim.state().sirenStarts).toBe(1);
  });
});
