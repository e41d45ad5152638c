import { createSocket } from 'node:dgram';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../engine/clock/system-clock';
import { createOpenConditions } from '../../../engine/drivers/open-conditions';
import { snmpScenes, startSnmpSimulator } from '../../../engine/drivers/snmp-traps';
import { agentAddressIn, withoutCommunity } from '../../../engine/drivers/snmp-traps/agent-address';
import { draftsOf } from '../../../engine/drivers/snmp-traps/event';
import { trapAccess, trapSettings } from '../../../engine/drivers/snmp-traps/settings';
import { createTrapDecoder } from '../../../engine/drivers/snmp-traps/trap-decoder';
import { deviceAt } from '../../support/recording-sink';

/** What the simulated sender puts on the wire for each scene. */
async function datagrams(model: string): Promise<Buffer[]> {
  const socket = createSocket('udp4');
  const caught: Buffer[] = [];
  socket.on('message', (bytes) => void caught.push(bytes));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const sim = await startSnmpSimulator({ port: socket.address().port, model, everyMs: 0 });
  // Version 1 has no 64-bit numbers.
  const scenes = Object.keys(snmpScenes).filter((scene) => model !== '1' || scene !== 'unknown');
  for (const scene of scenes) await sim.fire(scene);
  while (caught.length < scenes.length) await new Promise((resolve) => setTimeout(resolve, 5));
  await sim.close();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return caught;
}

describe.each(['1', '2c', '3'])('datagrams of version %s with anything wrong in them', (model) => {
  it('are refused or understood, and never fail in another way', async () => {
    const whole = await datagrams(model);
    const options = model === '3' ? { access: 'authPriv', window: 'off' } : {};
    const definition = deviceAt(0, { driver: 'snmp-traps', options });
    const { table } = trapSettings(definition);
    const conditions = createOpenConditions();
    const decoders = [
      createTrapDecoder(trapAccess(definition), 'cam1', systemClock),
      createTrapDecoder(null, 'capture'),
    ];
    const from = { address: '192.0.2.1', port: 162 };
    const change = fc.record({ at: fc.nat(400), byte: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'put') });
    let taken = 0;
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.array(change, { maxLength: 4 }), (datagram, changes) => {
        let bytes = Buffer.from(datagram);
        for (const { at, byte, kind } of changes) {
          const place = bytes.length === 0 ? 0 : at % bytes.length;
          if (kind === 'set' && bytes.length > 0) bytes[place] = byte;
          else if (kind === 'cut') bytes = bytes.subarray(0, place);
          else bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(place)]);
        }
        for (const decoder of decoders) {
          const { trap, refusal } = decoder.decode(bytes, from);
          if (trap) {
            taken++;
            for (const draft of draftsOf(trap, table, conditions, from.address, '192.0.2.1', 0))
              expect(draft.raw.length).toBeLessThanOrEqual(64 * 1024);
          } else expect(refusal === null || refusal.length < 500).toBe(true);
        }
        agentAddressIn(bytes);
        withoutCommunity(bytes);
      }),
      { numRuns: model === '3' ? 800 : 4_000 },
    );
    expect(taken).toBeGreaterThan(0);
  });
});
