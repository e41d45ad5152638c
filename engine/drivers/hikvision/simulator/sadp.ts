import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A simulated device that answers to SADP on one address; for a search that is sent to it instead of to the group. */
export interface SadpSimulator {
  port: number;
  questions(): number;
  close(): Promise<void>;
}

/** @param fields fields of the answer beside the usual ones @param raw sent before each answer, as it is */
export async function startSadpSimulator(
  httpPort: number,
  fields: Readonly<Record<string, string>> = {},
  raw: readonly string[] = [],
): Promise<SadpSimulator> {
  const socket = createSocket('udp4');
  let questions = 0;
  socket.on('message', (bytes, { address, port }) => {
    const uuid = /<Uuid>([0-9A-F-]{36})<\/Uuid>/.exec(bytes.toString('latin1'))?.[1];
    if (!uuid || !bytes.includes('<Types>inquiry</Types>')) return;
    questions++;
    for (const text of raw) socket.send(text, port, address);
    const all: Record<string, string> = {
      Uuid: uuid,
      Types: 'inquiry',
      DeviceDescription: 'SIM-2CD2085',
      DeviceSN: 'SIM-2CD208520260101AAWR000000001',
      MAC: '02-00-5e-00-53-01',
      IPv4Address: '127.0.0.1',
      HttpPort: String(httpPort),
      Activated: 'true',
      ...fields,
    };
    const inner = Object.entries(all).map(([name, text]) => `<${name}>${text}</${name}>`);
    socket.send(
      `<?xml version="1.0" encoding="UTF-8"?>\r\n<ProbeMatch>${inner.join('\r\n')}</ProbeMatch>\r\n`,
      port,
      address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    questions: () => questions,
    async close() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
