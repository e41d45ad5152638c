import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { DiscoveredDevice } from '../../../engine/domain/devices';
import { discoverOnvif } from '../../../engine/drivers/onvif';
import { readProbeMatches } from '../../../engine/drivers/onvif/discover';
import { until } from '../../support/recording-sink';
import { pause } from '../../support/steady-clock';

const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((own) => own?.address === '::1');
const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

const match = (
  relates: string,
  xaddrs: string,
  id = 'urn:uuid:0001',
  scopes = 'onvif://www.onvif.org/name/Yard%20cam onvif://www.onvif.org/hardware/X1',
): string =>
  `<e:Envelope><e:Header><w:RelatesTo>${relates}</w:RelatesTo></e:Header><e:Body><d:ProbeMatches><d:ProbeMatch><w:EndpointReference><w:Address>${id}</w:Address></w:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${xaddrs}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>`;

/** A network with one device that answers as told. */
async function network(
  answer: (messageId: string) => string[],
  address = '127.0.0.1',
): Promise<{ port: number; probes: string[] }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  open.push(socket);
  const probes: string[] = [];
  socket.on('message', (bytes, from) => {
    const text = bytes.toString();
    probes.push(text);
    const id = /MessageID>([^<]+)</.exec(text)?.[1] ?? '';
    for (const reply of answer(id)) socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return { port: socket.address().port, probes };
}

async function search(
  port: number,
  wait: (found: DiscoveredDevice[]) => boolean,
  address = '127.0.0.1',
): Promise<DiscoveredDevice[]> {
  const found: DiscoveredDevice[] = [];
  const stop = new AbortController();
  const running = discoverOnvif((device) => found.push(device), stop.signal, {
    to: { address, port },
    from: [address],
  });
  await until('it is found', () => wait(found));
  await pause(50);
  stop.abort();
  await running;
  return found;
}

describe('discovery', () => {
  it('tells a device once, whatever it repeats, and asks for both types', async () => {
    const { port, probes } = await network((id) => [
      match(id, 'http://127.0.0.1/onvif/device_service'),
      match(id, 'http://127.0.0.1/onvif/device_service'),
    ]);
    const found = await search(port, (list) => list.length > 0 && probes.length >= 2);
    expect(found).toEqual([
      { driver: 'onvif', host: '127.0.0.1', port: 80, title: 'Yard cam (X1)', identity: 'urn:uuid:0001' },
    ]);
    expect(probes.join()).toMatch(/NetworkVideoTransmitter[\s\S]*dn:Device/);
  });

  it('goes on after garbage and answers to other questions', async () => {
    const { port } = await network((id) => [
      '',
      'garbage',
      '<a',
      match('uuid:of-somebody-else', 'http://10.0.0.1/x', 'urn:uuid:0002'),
      '<Envelope/>',
      match(id, 'http://10.0.0.3:8080/x', 'urn:uuid:0003'),
    ]);
    expect((await search(port, (list) => list.length > 0)).map((d) => d.identity)).toEqual(['urn:uuid:0003']);
  });

  it('takes the address that the answer came from, else one that is not link-local', async () => {
    const addresses = 'http://[fe80::1]/x http://169.254.3.4/x https://10.0.0.7/x http://10.0.0.7:8000/x';
    const { port } = await network((id) => [
      match(id, `${addresses} http://127.0.0.1:81/x`, 'urn:uuid:a'),
      match(`urn:${id}`, addresses, 'urn:uuid:b'),
      match(id, 'nothing that is one', 'urn:uuid:c'),
    ]);
    const found = await search(port, (list) => list.length >= 2);
    expect(found.map(({ host, port: at }) => `${host}:${at}`)).toEqual(['127.0.0.1:81', '10.0.0.7:8000']);
  });

  it.skipIf(!hasIPv6)('finds devices over IPv6, with the network that they are on', async () => {
    const { port } = await network(
      (id) => [
        match(id, 'http://[::1]:8000/x http://169.254.3.4/x', 'urn:uuid:a'),
        match(id, 'http://[fe80::7]/x http://[2001:db8::7%25eth0]:81/x', 'urn:uuid:b'),
        match(id, 'http://[not-one]/x http://[::::::::::::::::::::::::::::::::::::::::::::::::]/x', 'urn:uuid:c'),
      ],
      '::1',
    );
    const found = await search(port, (list) => list.length >= 2, '::1');
    expect(found.map(({ host, port: at }) => `${host} ${at}`)).toEqual(['::1 8000', '2001:db8::7 81']);
  });

  it('keeps the zone of a link-local address that the answer came from', () => {
    const asked = new Set(['1']);
    const xaddrs = 'http://192.168.1.108/x http://[FE80::7]:8080/x';
    const answer = Buffer.from(match('uuid:1', xaddrs));
    expect(readProbeMatches(answer, 'fe80::7%eth0', asked)).toMatchObject([{ host: 'fe80::7%eth0', port: 8080 }]);
    expect(readProbeMatches(answer, '192.168.1.108', asked)).toMatchObject([{ host: '192.168.1.108', port: 80 }]);
  });

  it('asks again when the first question is lost', async () => {
    let asked = 0;
    const { port } = await network((id) => (++asked > 2 ? [match(id, 'http://127.0.0.1/x')] : []));
    expect(await search(port, (list) => list.length > 0)).toHaveLength(1);
  });

  it('ends at once when it was given up before', async () => {
    await discoverOnvif(() => undefined, AbortSignal.abort());
  });

  it('says when there is no network to ask', async () => {
    await expect(discoverOnvif(() => undefined, new AbortController().signal, { from: [] })).rejects.toMatchObject({
      code: 'E_DISCOVERY',
    });
  });

  it('survives any bytes', () => {
    const asked = new Set(['1']);
    fc.assert(
      fc.property(fc.nat(700), fc.string({ maxLength: 30 }), (at, put) => {
        const text = match('uuid:1', 'http://10.0.0.1/x');
        readProbeMatches(Buffer.from(text.slice(0, at) + put + text.slice(at)), '10.0.0.1', asked);
      }),
      { numRuns: 300 },
    );
  });
});
