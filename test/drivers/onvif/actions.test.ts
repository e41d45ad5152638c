import { afterEach, describe, expect, it } from 'vitest';
import { closeOnvif, connectedOnvif, onvifOnline } from '../../support/connected-onvif';
import { until } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';

afterEach(closeOnvif);

const limit = (): AbortSignal => AbortSignal.timeout(30_000);

describe('relay outputs', () => {
  it('sets one and tells the state that its event confirms', async () => {
    const { sim, sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    expect(await connection.setOutput('001', true, limit())).toBe(true);
    expect(sim.state().relays).toEqual([
      { token: '000', on: false },
      { token: '001', on: true },
    ]);
    expect(await connection.readOutput('001', limit())).toBe(true);
    expect(await connection.setOutput('001', false, limit())).toBe(false);
    expect(sink.events.find((e) => e.draft.type === 'relay-state' && e.draft.phase === 'start')?.draft.output).toBe(
      '001',
    );
  });

  it.each(['device-io-refuses', 'device-io-strict'])(
    'falls back to the device service where DeviceIO refuses: %s',
    async (fault) => {
      const { sim, sink, connection } = await connectedOnvif({ faults: [fault] });
      await until('online', onvifOnline(sink));
      expect(await connection.setOutput('000', true, limit())).toBe(true);
      const before = sim.state().requests.SetRelayOutputState ?? 0;
      expect(await connection.setOutput('000', false, limit())).toBe(false);
      // The second one goes to the right place at once.
      expect(sim.state().requests.SetRelayOutputState).toBe(before + 1);
    },
  );

  it('says what is wrong with a relay that there is not, whichever service is asked', async () => {
    for (const faults of [[], ['device-io-refuses'], ['device-io-strict']]) {
      const { sink, connection } = await connectedOnvif({ faults });
      await until('online', onvifOnline(sink));
      await expect(connection.setOutput('777', true, limit())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    }
  });

  it('takes a monostable relay that refuses "inactive" for one that falls back by itself', async () => {
    const { sim, sink, connection } = await connectedOnvif({ faults: ['monostable'], relayDelayMs: 300 });
    await until('online', onvifOnline(sink));
    expect(await connection.setOutput('000', true, limit())).toBe(true);
    expect(await connection.setOutput('000', false, limit())).toBe(false);
    expect(sim.state().relays[0]?.on).toBe(false);
  });

  it.each([
    ['refuses', 'monostable'],
    ['ignores', 'monostable-ignores-inactive'],
  ])('calls a mute monostable relay that %s "inactive" off only when it has fallen back', async (_how, fault) => {
    const { sim, sink, connection } = await connectedOnvif({ faults: [fault, 'no-relay-events'], relayDelayMs: 2_500 });
    await until('online', onvifOnline(sink));
    expect(await connection.setOutput('000', true, limit())).toBeNull();
    await expect(connection.setOutput('000', false, limit())).rejects.toMatchObject({
      code: 'E_OUTPUT_NOT_CONFIRMED',
      family: 'operational',
      retryAfterMs: expect.any(Number),
    });
    await until('fallen back', () => sim.state().relays[0]?.on === false);
    // The device's own timer may be a moment ahead of ours.
    const off = (): Promise<boolean | null> => connection.setOutput('000', false, limit());
    expect(await off().catch(() => steadyClock.sleep(300).then(off))).toBeNull();
  });

  it('switches by the logical state, whatever the contact of an idle relay is', async () => {
    const { sim, sink, connection } = await connectedOnvif({ faults: ['idle-closed'] });
    await until('online', onvifOnline(sink));
    expect(await connection.setOutput('000', true, limit())).toBe(true);
    expect(sim.state().relays[0]?.on).toBe(true);
    expect(await connection.setOutput('000', false, limit())).toBe(false);
    expect(sim.state().relays[0]?.on).toBe(false);
  });

  it.each([true, false])(
    'finds out by the first order that the events of a relay tell its contact (order: %s)',
    async (order) => {
      const { sim, sink, connection } = await connectedOnvif({ faults: ['idle-closed', 'relay-events-tell-contact'] });
      await until('online', onvifOnline(sink));
      const told = () => sink.events.filter(({ draft }) => draft.output === '000').map(({ draft }) => draft.phase);
      await until('its state at rest, which is the contact', () => told().includes('snapshot'));
      // Somebody else had switched it on before.
      if (!order) sim.switchRelay('000', true);
      if (!order) await until('the contact opens', () => told().includes('stop'));
      for (const on of [order, !order, order, !order]) {
        expect(await connection.setOutput('000', on, limit())).toBe(on);
        expect(sim.state().relays[0]?.on).toBe(on);
        expect(await connection.readOutput('000', limit())).toBe(on);
      }
    },
  );

  it('knows from its dialog that the events of a relay tell its contact, before anything is ordered', async () => {
    const { sink, connection } = await connectedOnvif(
      { faults: ['idle-closed', 'relay-events-tell-contact'] },
      { options: { contactRelays: '000, 001' } },
    );
    const stops = () => sink.events.filter(({ draft }) => draft.type === 'relay-state' && draft.phase === 'stop');
    await until('both relays have told their state', () => stops().length === 2);
    expect(await connection.readOutput('000', limit())).toBe(false);
    expect(sink.events.filter(({ draft }) => draft.type === 'relay-state' && draft.phase !== 'stop')).toEqual([]);
    expect(await connection.setOutput('000', true, limit())).toBe(true);
    expect(await connection.setOutput('000', false, limit())).toBe(false);
  });

  it('tells null where the device sends no events of its relays', async () => {
    const { sim, sink, connection } = await connectedOnvif({ faults: ['no-relay-events'] });
    await until('online', onvifOnline(sink));
    expect(await connection.setOutput('000', true, limit())).toBeNull();
    expect(await connection.readOutput('000', limit())).toBeNull();
    expect(sim.state().relays[0]?.on).toBe(true);
  });

  it('calls a relay that is none a bad parameter', async () => {
    const { sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    await expect(connection.setOutput('9', true, limit())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    await expect(connection.setOutput(' ', true, limit())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });

  it('gives up when the caller does', async () => {
    const { sim, sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    sim.faults.set('half-open');
    const before = steadyClock.monotonic();
    await expect(connection.setOutput('000', true, AbortSignal.timeout(100))).rejects.toMatchObject({
      code: 'E_ABORTED',
    });
    expect(steadyClock.monotonic() - before).toBeLessThan(500);
  });
});

describe('presets', () => {
  it('goes to a preset by the number in its token', async () => {
    const { sim, sink, connection } = await connectedOnvif({ channels: 2 });
    await until('online', onvifOnline(sink));
    await connection.gotoPreset(2, 3, limit());
    expect(sim.state().position).toEqual({ channel: 2, preset: 'Preset_3' });
  });

  it('refuses a preset or a channel that is none', async () => {
    const { sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    await expect(connection.gotoPreset(1, 99, limit())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    await expect(connection.gotoPreset(5, 1, limit())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });
});

describe('pictures', () => {
  it.each(['internal-addresses', 'relative-addresses', 'media2-only', 'several-addresses'])(
    'come also with the fault %s',
    async (fault) => {
      const { sink, connection } = await connectedOnvif({ faults: [fault] });
      await until('online', onvifOnline(sink));
      const { contentType, bytes } = await connection.snapshot(1, limit());
      expect(contentType).toBe('image/jpeg');
      expect(bytes.subarray(-2).toString('hex')).toBe('ffd9');
    },
  );

  it('come with Digest although SOAP takes tokens only', async () => {
    const { sim, sink, connection } = await connectedOnvif({ login: 'token' });
    await until('online', onvifOnline(sink));
    await connection.snapshot(1, limit());
    expect(sim.state().logins.refused).toBe(0);
  });

  it('are found again when their address has changed', async () => {
    const { sink, connection } = await connectedOnvif({ faults: ['picture-moved'] });
    await until('online', onvifOnline(sink));
    await connection.snapshot(1, limit());
    await connection.snapshot(1, limit());
  });

  it('are refused when they are cut', async () => {
    const { sink, connection } = await connectedOnvif({ faults: ['truncated-jpeg'] });
    await until('online', onvifOnline(sink));
    await expect(connection.snapshot(1, limit())).rejects.toMatchObject({ code: 'E_BAD_PICTURE' });
  });
});

describe('switches', () => {
  it('lights the lamp and starts the recording by set commands', async () => {
    const { sim, sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    expect(await connection.setSwitch?.('light', 'tt:IRLamp', true, {}, limit())).toBeNull();
    expect(await connection.setSwitch?.('record', 'job0', true, {}, limit())).toBe(true);
    expect(sim.state()).toMatchObject({ lamp: true, recording: true });
    expect(await connection.setSwitch?.('record', 'job0', false, {}, limit())).toBe(false);
    expect(await connection.readSwitch?.('record', 'job0', limit())).toBe(false);
  });

  it('refuses what the device has not', async () => {
    const { sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    const set = (kind: 'light' | 'record' | 'line', name: string) =>
      connection.setSwitch?.(kind, name, true, {}, limit());
    await expect(set('light', 'tt:Disco')).rejects.toMatchObject({ family: 'user' });
    await expect(set('light', 'x|On y')).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    await expect(set('record', 'none')).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    await expect(set('line', '1')).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' });
  });
});

describe('the rules of the analysis', () => {
  it.each(['media2-only', 'no-get-services'])('are listed with the fault %s', async (fault) => {
    const { connection } = await connectedOnvif({ faults: [fault] });
    expect((await connection.offers?.(limit()))?.rules.map((r) => r.rule)).toEqual(['Gate & yard 1', '00', 'Hut']);
  });

  it('go by their kind where the device does not describe it', async () => {
    const { connection } = await connectedOnvif({ faults: ['no-supported-rules'] });
    expect((await connection.offers?.(limit()))?.rules.map((r) => r.type)).toEqual([
      'line-crossing',
      'intrusion',
      'vendor:RuleEngine/HeatWatch',
    ]);
  });

  it('are none of a device without analysis', async () => {
    const { connection } = await connectedOnvif({ faults: ['no-analytics'] });
    expect((await connection.offers?.(limit()))?.rules).toEqual([]);
  });
});

describe('what there is to choose from', () => {
  it('lists channels, inputs, relays, presets, event types and switches', async () => {
    const { connection } = await connectedOnvif({ channels: 2 });
    const offers = await connection.offers?.(limit());
    expect(offers?.channels).toEqual([
      { channel: 1, name: 'Camera 1' },
      { channel: 2, name: 'Camera 2' },
    ]);
    expect(offers?.inputs.map((i) => i.input)).toEqual(['000', '001']);
    expect(offers?.outputs.map((o) => o.output)).toEqual(['000', '001']);
    expect(offers?.presets).toHaveLength(8);
    expect(offers?.presets[0]).toEqual({ channel: 1, preset: 1, name: 'Place 1' });
    expect(offers?.eventTypes).toEqual([
      'motion',
      'line-crossing',
      'intrusion',
      'temperature-alarm',
      'video-loss',
      'digital-input',
      'relay-state',
    ]);
    expect(offers?.rules).toEqual(
      [1, 2].flatMap((channel) => [
        { channel, rule: `Gate & yard ${channel}`, name: `Gate & yard ${channel}`, type: 'line-crossing' },
        { channel, rule: '00', name: '00', type: 'intrusion' },
        { channel, rule: 'Hut', name: 'Hut', type: 'temperature-alarm' },
      ]),
    );
    expect(offers?.switches).toEqual([
      { kind: 'siren', name: 'tt:Siren', title: 'tt:Siren' },
      { kind: 'light', name: 'tt:IRLamp', title: 'tt:IRLamp' },
      { kind: 'record', name: 'job0', title: 'Recording job job0' },
    ]);
  });
});
