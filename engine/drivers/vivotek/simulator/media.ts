import { greyPicture } from '../../http-push';

/** Media that a camera's event can carry (PROTOCOLS §3.2), the custom message in the forms that operators write. */
export const mediaNames = [
  'snapshot',
  'snapshot-multipart',
  'systemlog',
  'videoclip',
  'custom-json',
  'custom-form',
  'custom-lines',
  'custom-text',
  'none',
] as const;

export type MediaName = (typeof mediaNames)[number];

export interface Medium {
  headers: Record<string, string>;
  body: Buffer;
}

/** @param told what a custom message holds */
export function mediumOf(name: MediaName, told: Readonly<Record<string, string>>): Medium {
  const of = (type: string, body: string | Buffer): Medium => ({
    headers: { 'Content-Type': type, 'User-Agent': 'simulated camera' },
    body: Buffer.from(body),
  });
  switch (name) {
    case 'snapshot':
      return of('image/jpeg', greyPicture);
    case 'snapshot-multipart':
      return of(
        'multipart/form-data; boundary=vivotek',
        Buffer.concat([
          Buffer.from(
            '--vivotek\r\nContent-Disposition: form-data; name="file"; filename="20261121_100000.jpg"\r\nContent-Type: image/jpeg\r\n\r\n',
          ),
          greyPicture,
          Buffer.from('\r\n--vivotek--\r\n'),
        ]),
      );
    case 'systemlog':
      return of('text/plain', 'Nov 21 10:00:00 [EVENT]: motion in window 1\r\nNov 21 10:00:01 [NET]: link up\r\n');
    case 'videoclip':
      return of(
        'video/mp4',
        Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom'), Buffer.alloc(200, 1)]),
      );
    case 'custom-json':
      return of('text/plain', JSON.stringify(told));
    case 'custom-form':
      return of('application/x-www-form-urlencoded', new URLSearchParams(told).toString());
    case 'custom-lines':
      return of(
        'text/plain',
        Object.entries(told)
          .map(([key, value]) => `${key}: ${value}`)
          .join('\r\n'),
      );
    case 'custom-text':
      return of('text/plain', 'Somebody is in the yard');
    case 'none':
      return of('text/plain', '');
  }
}
