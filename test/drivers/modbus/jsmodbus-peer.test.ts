import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { server as servers } from 'jsmodbus';
import { afterEach, describe, expect, it } from 'vitest';
import { modbusDriver } from '../../../engine/drivers/modbus';
import { closeDrivers, closeLater, connectDriver, linkIs, never } from '../../support/connected-driver';
import { until } from '../../support/recording-sink';

afterEach(closeDrivers);

/** A Modbus server that is not ours. */
async function peer(): Promise<{ port: number; memory: InstanceType<typeof servers.TCP> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const memory = new servers.TCP(server, {
    coils: Buffer.alloc(4),
    discrete: Buffer.alloc(4),
    holding: Buffer.alloc(64),
    input: Buffer.alloc(64),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, memory };
}

describe('with the server of jsmodbus', () => {
  it('inputs are read as discrete inputs', async () => {
    const { port, memory } = await peer();
    const { sink } = connectDriver(modbusDriver, port, { options: { pollHz: 20 } });
    await until('online', linkIs(sink, 'online'));
    await until('the first look', () => sink.events.some((e) => e.draft.input === '6'));
    memory.discrete[0] = 0b0010_0000;
    await until('the edge', () => sink.events.at(-1)?.draft.phase === 'start');
    expect(sink.events.at(-1)?.draft).toMatchObject({ type: 'digital-input', input: '6' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['input', { inputKind: 'input-bits', inputs: 20 }],
    ['holding', { inputKind: 'holding-bits', inputs: 20 }],
  ])('inputs are read as bits of %s registers', async (table, options) => {
    const { port, memory } = await peer();
    const { sink } = connectDriver(modbusDriver, port, { options: { pollHz: 20, outputs: 0, ...options } });
    await until('the first look', () => sink.events.some((e) => e.draft.input === '18'));
    memory[table as 'input' | 'holding'].writeUInt16BE(2, 2);
    await until('the edge', () => sink.events.at(-1)?.draft.phase === 'start');
    expect(sink.events.at(-1)?.draft).toMatchObject({ input: '18' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['function 5', {}],
    ['function 15', { writeWith: 'multiple' }],
    ['function 6', { outputKind: 'register' }],
    ['function 16', { outputKind: 'register', writeWith: 'multiple' }],
  ])('outputs are switched with %s and read back', async (_name, options) => {
    const { port, memory } = await peer();
    const { connection } = connectDriver(modbusDriver, port, { options: { pollHz: 20, ...options } }, false);
    expect(await connection.setOutput('3', true, never)).toBe(true);
    expect([memory.coils[0], memory.holding.readUInt16BE(4)]).toContain(options.outputKind ? 1 : 4);
    expect(await connection.setOutput('3', false, never)).toBe(false);
  });

  it('a test proves the settings', async () => {
    const { port } = await peer();
    const { connection } = connectDriver(modbusDriver, port, { options: {} }, false);
    expect(await connection.probe(never)).toMatchObject({ inputs: 8, outputs: 8 });
  });
});
