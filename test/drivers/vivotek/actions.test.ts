import { afterEach, describe, expect, it, vi } from 'vitest';
import { greyPicture } from '../../../engine/drivers/http-push';
import type { CameraFault } from '../../../engine/drivers/vivotek';
import { until } from '../../support/recording-sink';
import { secureFront } from '../../support/secure-front';
import { selfSigned } from '../../support/smtp-certificate';
import { pause } from '../../support/steady-clock';
import { calm, cameraSite, closeSites, isOnline, receiverFor, soon } from './site';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeSites);

/** null: there is no openssl to make one with. */
const certificate = selfSigned();

const withFaults = (...faults: CameraFault[]) => cameraSite({ faults });

describe('an output', () => {
  it('is switched and read back', async () => {
    const { sim, connection } = await withFaults();
    expect(await connection.setOutput('1', true, calm())).toBe(true);
    expect(await connection.setOutput('do1', false, calm())).toBe(false);
    expect(sim.state().commands).toEqual(['do1=1', 'do1=0']);
  });

  it("an output that is held outlasts the camera's timer, and ends by it once we are gone", async () => {
    const { sim, connection } = await cameraSite({}, { options: { ...soon, outputMostSeconds: 1 } });
    await connection.setOutput('1', true, calm());
    await pause(2_500);
    expect(sim.state().outputs[1]?.active).toBe(true);
    await connection.setOutput('1', false, calm());
    expect(sim.state().outputs[1]?.active).toBe(false);
    await pause(600);
    expect(sim.state().outputs[1]?.active).toBe(false);
    await connection.setOutput('1', true, calm());
    await connection.close();
    await until('off by itself', () => sim.state().outputs[1]?.active === false);
  });

  it("ends by the camera's own timer where the settings say so", async () => {
    const { sim, connection } = await cameraSite({}, { options: { ...soon, outputMostSeconds: 1 } });
    expect(await connection.setOutput('0', true, calm())).toBe(true);
    expect(sim.state().commands).toEqual(['do0=1(1000)0']);
    await connection.close();
    await until('off by itself', () => sim.state().outputs[0]?.active === false);
  });

  it('is switched at the old path of old firmware', async () => {
    const { sim, connection } = await withFaults('old-setup');
    expect(await connection.setOutput('0', true, calm())).toBe(true);
    expect(await connection.setOutput('0', false, calm())).toBe(false);
    expect(sim.state().paths.filter((p) => p.includes('setdo'))).toContain('/setup/setdo.cgi?do=h');
  });

  it('whose state is not told answers null', async () => {
    const { connection } = await withFaults('output-status-missing');
    expect(await connection.setOutput('0', true, calm())).toBeNull();
    expect(await connection.readOutput('0', calm())).toBeNull();
  });

  it('that does not move is told as what it is', async () => {
    const { connection } = await withFaults('output-ignored');
    expect(await connection.setOutput('0', true, calm())).toBe(false);
  });

  it.each<[CameraFault | null, string, string]>([
    ['error-in-200', '0', 'E_NOT_SUPPORTED'],
    ['busy-once', '0', 'E_DEVICE_BUSY'],
    ['close-at-once', '0', 'E_DEVICE_OFFLINE'],
    [null, '7', 'E_NOT_SUPPORTED'],
    [null, '0&do1=1', 'E_BAD_PARAMETER'],
  ])('tells why it could not be switched: %s, output %s', async (fault, output, code) => {
    const { sim, connection } = await withFaults();
    if (fault) sim.faults.set(fault);
    await expect(connection.setOutput(output, true, calm())).rejects.toMatchObject({ code });
  });

  it('is refused for a user without the right before the camera counts it as a wrong password', async () => {
    const { sim, sink, connection } = await cameraSite({ privilege: 'viewer', faults: ['privilege-401'] });
    connection.start();
    await until('online', isOnline(sink));
    await expect(connection.setOutput('0', true, calm())).rejects.toMatchObject({
      code: 'E_LOW_PRIVILEGE',
      family: 'user',
    });
    expect(sim.state().paths.some((p) => p.includes('setdo'))).toBe(false);
    expect(sink.locks).toEqual([]);
  });

  it('gives up when its caller does', async () => {
    const { connection } = await withFaults('half-open');
    const abort = new AbortController();
    const call = connection.setOutput('0', true, abort.signal);
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'E_ABORTED' });
  });
});

describe('a virtual input', () => {
  it("runs the camera's own rule for a time", async () => {
    const { sim, connection } = await withFaults();
    expect(await connection.setSwitch?.('line', 'vi0', true, { forMs: 30_000 }, calm())).toBeNull();
    expect(sim.state().commands).toEqual(['vi0=1(30000)0']);
    await expect(connection.setSwitch?.('line', 'vi0', true, {}, calm())).rejects.toMatchObject({
      code: 'E_DEVICE_BUSY',
    });
  });

  it('is refused for a user without the right before the camera counts it as a wrong password', async () => {
    const { sim, sink, connection } = await cameraSite({ privilege: 'operator', faults: ['privilege-401'] });
    connection.start();
    await until('online', isOnline(sink));
    await expect(connection.setSwitch?.('line', 'vi0', true, {}, calm())).rejects.toMatchObject({
      code: 'E_LOW_PRIVILEGE',
    });
    await expect(connection.setUpPush('http://192.0.2.1/x', calm())).rejects.toMatchObject({
      code: 'E_CREDENTIALS_REFUSED',
    });
    expect(sim.state().paths.some((p) => p.includes('setvi'))).toBe(false);
    expect(sink.locks).toEqual([]);
    expect(await connection.setOutput('0', true, calm())).toBe(true);
  });

  it("an output has the camera's timer, too", async () => {
    const { sim, connection } = await withFaults();
    expect(await connection.setSwitch?.('line', 'do1', true, { forMs: 1_500 }, calm())).toBe(true);
    await until('off by itself', () => sim.state().outputs[1]?.active === false);
  });

  it('other switches are none of this camera', async () => {
    const { connection } = await withFaults();
    await expect(connection.setSwitch?.('siren', '1', true, {}, calm())).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
    });
  });
});

describe('a preset', () => {
  it.each<CameraFault[]>([[], ['camctrl-recall'], ['recall-204'], ['wrong-content-length']])(
    'is recalled by the name that the camera lists: %s',
    async (...faults) => {
      const { sim, connection } = await withFaults(...faults);
      await connection.gotoPreset(1, 2, calm());
      await connection.gotoPreset(1, 3, calm());
      expect(sim.state().commands).toEqual(["recall Bob's corner", 'recall Parking & road']);
    },
  );

  it('is recalled by the name in the settings, and by its number where there is none', async () => {
    const { sim, connection } = await cameraSite({ faults: ['no-preset-list'] }, { options: { presets: '7 = Gate' } });
    await connection.gotoPreset(1, 7, calm());
    await connection.gotoPreset(1, 1, calm());
    expect(sim.state().commands).toEqual(['recall Gate', 'recall 1']);
  });

  it('that the camera lacks is an error, though it answers 200', async () => {
    const { connection } = await withFaults();
    await expect(connection.gotoPreset(1, 99, calm())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    await expect(connection.gotoPreset(1, 0, calm())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });
});

describe('a picture', () => {
  it.each<CameraFault[]>([[], ['no-content-length'], ['wrong-content-length']])('is taken: %s', async (...faults) => {
    const { sim, connection } = await cameraSite({ faults }, { options: { quality: 3 } });
    expect(await connection.snapshot(2, calm())).toEqual({ contentType: 'image/jpeg', bytes: greyPicture });
    expect(sim.state().paths.at(-1)).toBe('/cgi-bin/viewer/video.jpg?channel=1&quality=3');
  });

  it.each<[CameraFault, string]>([
    ['truncated-jpeg', 'E_BAD_PICTURE'],
    ['error-instead-of-jpeg', 'E_DEVICE_ERROR'],
  ])('that is none is an error: %s', async (fault, code) => {
    const { connection } = await withFaults(fault);
    await expect(connection.snapshot(1, calm())).rejects.toMatchObject({ code });
  });
});

describe('the test of the connection', () => {
  it('tells what the camera is and has, and what its settings lack', async () => {
    const { connection } = await withFaults();
    const facts = await connection.probe(calm());
    expect(facts).toMatchObject({
      model: 'TB9330-E',
      firmware: 'TB9330-E-VVTK-0108a',
      inputs: 2,
      outputs: 2,
      channels: 2,
      hasPtz: true,
      hasThermal: true,
    });
    expect(facts.warnings.join()).toMatch(/No HTTP server is set up[\s\S]*Gate, Yard motion sends nothing/);
  });

  it.each<[CameraFault, string]>([
    ['error-in-200', 'E_LOW_PRIVILEGE'],
    ['other-device', 'E_DEVICE_TYPE'],
    ['close-at-once', 'E_DEVICE_OFFLINE'],
  ])('tells apart why it fails: %s is %s', async (fault, code) => {
    const { connection } = await withFaults(fault);
    await expect(connection.probe(calm())).rejects.toMatchObject({ code });
  });

  it('tells a wrong password apart', async () => {
    const { connection } = await cameraSite({}, { credentials: { user: 'root', password: 'no' } });
    await expect(connection.probe(calm())).rejects.toMatchObject({ code: 'E_CREDENTIALS_REFUSED' });
  });

  it.each([
    ['a wrong password', { credentials: { user: 'root', password: 'no' } }, []],
    ['a locked account', {}, ['account-locked']],
  ] as const)('names both reasons for %s, which the camera does not tell apart', async (_name, change, faults) => {
    const { connection, sink } = await cameraSite({ faults: [...faults] }, change);
    await expect(connection.probe(calm())).rejects.toMatchObject({
      code: 'E_CREDENTIALS_REFUSED',
      message: expect.stringMatching(/user or password[\s\S]*locked the account after too many tries/),
    });
    connection.start();
    await until('it is told', () => sink.links.at(-1)?.link === 'refused');
    expect(sink.links.at(-1)?.detail).toMatch(/locked the account after too many tries/);
  });

  it.skipIf(certificate === null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')(
    'tells HTTPS where HTTP is set apart (skipped without openssl)',
    async () => {
      const { sim } = await cameraSite();
      const front = await secureFront(certificate, () => sim.port);
      try {
        const { connection } = await cameraSite({}, { port: front.port });
        await expect(connection.probe(calm())).rejects.toMatchObject({
          code: 'E_DEVICE_TLS',
          message: expect.stringMatching(/speaks HTTPS, not HTTP/),
        });
      } finally {
        await front.close();
      }
    },
  );

  it('tells a missing password apart', async () => {
    const { connection } = await cameraSite({}, { credentials: null });
    await expect(connection.probe(calm())).rejects.toMatchObject({ code: 'E_CREDENTIALS_MISSING' });
  });

  it('tells TLS where there is none apart', async () => {
    const { connection } = await cameraSite({}, { tls: true });
    await expect(connection.probe(calm())).rejects.toMatchObject({ code: 'E_DEVICE_TLS' });
  });

  it.each<CameraFault[]>([[], ['privilege-401'], ['privilege-403']])(
    'warns of a user whose privilege is too low: %s',
    async (...faults) => {
      const { connection } = await cameraSite({ privilege: 'viewer', faults });
      const { warnings } = await connection.probe(calm());
      expect(warnings.join()).toMatch(
        /2 inputs[\s\S]*privilege of an operator[\s\S]*2 outputs[\s\S]*privilege of an administrator/,
      );
    },
  );

  it('offers what there is to choose from', async () => {
    const { connection } = await withFaults('numbering-from-1');
    expect(await connection.offers?.(calm())).toMatchObject({
      inputs: [{ input: '1' }, { input: '2' }],
      outputs: [{ output: '1' }, { output: '2' }],
      presets: [
        { channel: 1, preset: 1, name: 'Gate' },
        { channel: 1, preset: 2, name: "Bob's corner" },
        { channel: 1, preset: 3, name: 'Parking & road' },
      ],
      rules: [
        { name: 'Gate', type: 'digital-input' },
        { name: 'Yard motion', type: 'motion' },
      ],
    });
  });
});

describe('setting the camera up to push', () => {
  it('makes one server for each event rule, and its events arrive by name', async () => {
    const site = await withFaults();
    const receiver = await receiverFor(site);
    const setup = await site.connection.setUpPush(receiver.url, calm());
    expect(setup.rules).toEqual(['Gate', 'Yard motion']);
    site.sim.setTarget('http://127.0.0.1:1');
    await site.sim.fire({ event: 'motion', medium: 'snapshot' }).catch(() => []);
    expect(receiver.events[0]?.draft).toMatchObject({ type: 'motion', rule: 'Yard motion', phase: 'pulse' });
    expect((await site.connection.probe(calm())).warnings).toEqual([]);
  });

  it('twice changes nothing more', async () => {
    const { sim, connection } = await withFaults();
    await connection.setUpPush('http://192.0.2.1/ingest/a', calm());
    await connection.setUpPush('http://192.0.2.1/ingest/b', calm());
    expect([0, 1, 2].map((i) => sim.parameter(`server_i${i}_http_url`))).toEqual([
      'http://192.0.2.1/ingest/b/di?rule=Gate',
      'http://192.0.2.1/ingest/b/motion?rule=Yard%20motion',
      'http://',
    ]);
  });

  it("leaves the operator's own servers alone, and says so where none is free", async () => {
    const { sim, connection } = await withFaults();
    for (let i = 0; i < 4; i++) sim.setParameter(`server_i${i}_name`, `own ${i}`);
    await expect(connection.setUpPush('http://192.0.2.1/x', calm())).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' });
    expect(sim.parameter('server_i0_http_url')).toBe('http://');
  });

  it('proves what it wrote', async () => {
    const { connection } = await withFaults('settings-not-kept');
    await expect(connection.setUpPush('http://192.0.2.1/x', calm())).rejects.toMatchObject({ code: 'E_DEVICE_ERROR' });
    await expect(connection.setUpPush("http://x/'; reboot", calm())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });
});
