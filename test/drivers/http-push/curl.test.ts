import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect } from 'vitest';
import { greyPicture } from '../../../engine/drivers/http-push';
import { serverTest } from '../../support/server-test';
import { temporaryFolder } from '../../support/temporary-folder';
import { closeSites, pushSite } from './site';

const run = promisify(execFile);

/** A sender that is none of ours. */
function missing(): string | null {
  try {
    accessSync('/usr/bin/curl', constants.X_OK);
    return null;
  } catch {
    return 'curl is not installed';
  }
}

afterEach(closeSites);

const mapping = 'type = form:event\ntype = $.event\nphase = form:phase\nchannel = query:ch\ndescription = form:text';

describe('curl', () => {
  serverTest('pushes a multipart form with a picture', missing, async () => {
    const { receiver } = await pushSite({ mapping });
    const file = join(await temporaryFolder(), 'snap.jpg');
    await writeFile(file, greyPicture);
    const form = [
      '-F',
      'event=motion',
      '-F',
      'phase=start',
      '--form-string',
      'text=Tür & Tor; "links"',
      '-F',
      `picture=@${file};type=image/jpeg`,
    ];
    await run('/usr/bin/curl', ['-sS', '-f', ...form, `${receiver.url}?ch=4`]);
    expect(receiver.events[0]).toMatchObject({
      draft: { type: 'motion', phase: 'start', channel: 4, description: 'Tür & Tor; "links"' },
      pictures: [{ contentType: 'image/jpeg', bytes: greyPicture, name: 'snap.jpg' }],
    });
  });

  serverTest('pushes an urlencoded form', missing, async () => {
    const { receiver } = await pushSite({ mapping });
    const form = ['--data-urlencode', 'event=smoke', '--data-urlencode', 'text=a+b=c & d%'];
    await run('/usr/bin/curl', ['-sS', '-f', ...form, receiver.url]);
    expect(receiver.events[0]?.draft).toMatchObject({ type: 'smoke', phase: 'pulse', description: 'a+b=c & d%' });
  });

  serverTest('pushes JSON under the media type of a form, its default', missing, async () => {
    const { receiver } = await pushSite({ mapping });
    await run('/usr/bin/curl', ['-sS', '-f', '-d', '{"event":"fire"}', receiver.url]);
    expect(receiver.told()).toEqual(['fire pulse']);
  });

  serverTest('pushes in chunks with PUT', missing, async () => {
    const { receiver } = await pushSite({ mapping });
    const file = join(await temporaryFolder(), 'event.json');
    await writeFile(file, '{"event":"intrusion"}');
    await run('/usr/bin/curl', ['-sS', '-f', '-T', file, '-H', 'Transfer-Encoding: chunked', receiver.url]);
    expect(receiver.told()).toEqual(['intrusion pulse']);
  });
});
