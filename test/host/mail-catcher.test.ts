import { connect } from 'node:net';
import nodemailer from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import { LARGEST_MAIL, type MailCatcher, type ReceivedMail, startMailCatcher } from '../../engine/host/mail-catcher';

const NOW = Date.UTC(2026, 10, 21, 7, 0, 0);
let catcher: MailCatcher | undefined;
afterEach(async () => {
  await catcher?.close();
  catcher = undefined;
});

async function start(keep: (mail: ReceivedMail) => Promise<void>, port = 0): Promise<MailCatcher> {
  catcher = await startMailCatcher({ host: '127.0.0.1', port, keep, clock: new VirtualClock(NOW), log: silentLog });
  return catcher;
}

const client = (port: number) => nodemailer.createTransport({ host: '127.0.0.1', port, ignoreTLS: true });

/** Says the lines one after another and gives back what the server answered. */
function talk(port: number, lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answers = '';
    let unread = '';
    socket.on('data', (chunk) => {
      answers += chunk.toString('latin1');
      unread += chunk.toString('latin1');
      if (!/^\d{3} [^\n]*\r\n$/m.test(unread)) return;
      unread = '';
      const next = lines.shift();
      if (next === undefined) socket.end();
      else socket.write(`${next}\r\n`);
    });
    socket.on('close', () => resolve(answers));
    socket.on('error', reject);
  });
}

describe('the mail catcher', () => {
  it('takes a mail without login and hands on its parts, attachments byte for byte', async () => {
    const caught: ReceivedMail[] = [];
    const { port } = await start(async (mail) => void caught.push(mail));
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
    await client(port).sendMail({
      from: 'alarm@example.com',
      to: ['a@example.com', 'b@example.com'],
      subject: 'Zu heiß',
      text: 'Halle: 81 °C',
      messageId: '<one@example.com>',
      attachments: [{ filename: 'picture.jpg', contentType: 'image/jpeg', content: bytes }],
    });
    expect(caught).toHaveLength(1);
    expect(caught[0]).toMatchObject({
      receivedAt: NOW,
      from: 'alarm@example.com',
      to: ['a@example.com', 'b@example.com'],
      subject: 'Zu heiß',
      messageId: '<one@example.com>',
      attachments: [{ name: 'picture.jpg', contentType: 'image/jpeg' }],
    });
    expect(caught[0]!.text.trim()).toBe('Halle: 81 °C');
    expect(caught[0]!.attachments[0]!.bytes.equals(bytes)).toBe(true);
    expect(caught[0]!.id).toMatch(/^[0-9a-z]+$/);
  });

  it('shows the text of a mail that has only HTML', async () => {
    const caught: ReceivedMail[] = [];
    const { port } = await start(async (mail) => void caught.push(mail));
    await client(port).sendMail({ from: 'a@b', to: 'c@d', subject: 'x', html: '<p>Hot <b>here</b></p>' });
    expect(caught[0]!.text).toContain('Hot');
    expect(caught[0]!.text).not.toContain('<b>');
  });

  it('takes a mail that is no MIME', async () => {
    const caught: ReceivedMail[] = [];
    const { port } = await start(async (mail) => void caught.push(mail));
    const said = await talk(port, [
      'EHLO x',
      'MAIL FROM:<>',
      'RCPT TO:<c@d>',
      'DATA',
      '\u0000\u0001garbage\r\n.',
      'QUIT',
    ]);
    expect(said).toContain('250 Caught');
    expect(caught[0]).toMatchObject({ from: '', to: ['c@d'] });
  });

  it('offers neither login nor STARTTLS', async () => {
    const { port } = await start(async () => undefined);
    const said = await talk(port, ['EHLO x', 'QUIT']);
    expect(said).not.toMatch(/AUTH|STARTTLS/);
  });

  it('refuses a mail that says it is larger than 32 MiB', async () => {
    const { port } = await start(async () => undefined);
    const said = await talk(port, ['EHLO x', `MAIL FROM:<a@b> SIZE=${LARGEST_MAIL + 1}`, 'QUIT']);
    expect(said).toMatch(/^552 /m);
  });

  it('refuses a mail that turns out to be larger, and keeps nothing of it', async () => {
    const caught: ReceivedMail[] = [];
    const { port } = await start(async (mail) => void caught.push(mail));
    const line = `${'x'.repeat(998)}\r\n`;
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let answers = '';
      socket.on('data', (chunk) => {
        const before = answers;
        answers += chunk.toString();
        const now = (line: RegExp): boolean => line.test(answers) && !line.test(before);
        if (now(/^220 .*\r\n/)) socket.write('EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n');
        if (now(/^354 .*\r\n/m)) socket.write(`${line.repeat(33 * 1_049)}.\r\n`);
        if (now(/^(552|250 Caught).*\r\n/m)) socket.end('QUIT\r\n');
      });
      socket.on('close', () => resolve(answers));
      socket.on('error', reject);
    });
    expect(said).toMatch(/^552 .*larger/m);
    expect(caught).toEqual([]);
  });

  it('tells the sender to try again when a mail cannot be kept', async () => {
    const { port } = await start(() => Promise.reject(new Error('disk full')));
    const sent = client(port).sendMail({ from: 'a@b', to: 'c@d', subject: 'x', text: 'y' });
    await expect(sent).rejects.toMatchObject({ responseCode: 451 });
  });

  it('goes on after a client that hangs up in the middle', async () => {
    const caught: ReceivedMail[] = [];
    const { port } = await start(async (mail) => void caught.push(mail));
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: cut', () =>
          socket.resetAndDestroy(),
        );
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
    await client(port).sendMail({ from: 'a@b', to: 'c@d', subject: 'whole', text: 'y' });
    expect(caught.map((mail) => mail.subject)).toEqual(['whole']);
  });

  it('names the port when that is taken', async () => {
    const { port } = await start(async () => undefined);
    const second = startMailCatcher({
      host: '127.0.0.1',
      port,
      keep: async () => undefined,
      clock: new VirtualClock(NOW),
      log: silentLog,
    });
    await expect(second).rejects.toMatchObject({
      code: 'E_MAIL_CATCHER',
      message: expect.stringContaining(`:${port}`),
    });
  });
});
