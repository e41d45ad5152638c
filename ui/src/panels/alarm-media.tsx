/** Pictures and clips of an alarm: those that its event brought, and those that actions have kept of it. */
import { useEffect, useState } from 'react';
import type { ActionRow, Alarm, AlarmMedia, DeviceRow } from '../../../engine/host/console-api';
import { api } from '../api';
import { clockTime, dayAndTime, span } from '../words';

const address = (mediaId: string): string => `/api/v1/media/${encodeURIComponent(mediaId)}`;

const makers: ReadonlySet<string> = new Set(['snapshot', 'record', 'record-clip']);

/** Whether there may be anything: of alarms that are over the console no longer knows all actions. */
const mayHave = (alarm: Alarm, actions: readonly ActionRow[]): boolean =>
  alarm.endedAt !== null ||
  alarm.event.pictures.length > 0 ||
  actions.some(({ alarmId, kind }) => alarmId === alarm.id && makers.has(kind));

/** Asks when it is opened, and again when an action has kept something more. */
export function AlarmMediaView(props: { alarm: Alarm; actions: readonly ActionRow[]; devices: readonly DeviceRow[] }) {
  const { alarm, actions, devices } = props;
  const [open, setOpen] = useState(false);
  if (!open && !mayHave(alarm, actions)) return null;
  const own = actions.filter(({ alarmId, kind }) => alarmId === alarm.id && makers.has(kind));
  const fresh = own.map(({ key, status }) => `${key} ${status}`).join();
  const waiting = own.some(({ status }) => status === 'queued' || status === 'running' || status === 'retrying');
  return (
    <details className="ask media" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Pictures and clips</summary>
      {open && <Shown alarm={alarm} devices={devices} fresh={fresh} waiting={waiting} />}
    </details>
  );
}

function Shown(props: { alarm: Alarm; devices: readonly DeviceRow[]; fresh: string; waiting: boolean }) {
  const { alarm, devices, fresh, waiting } = props;
  const found = useMedia(alarm.id, fresh);
  const { pictures } = alarm.event;
  /** Of several cameras each is told by its channel; another device than the alarm's by its name, too. */
  const cameraOf = ({ deviceId, channel }: AlarmMedia): string =>
    [
      deviceId === alarm.deviceId ? '' : (devices.find(({ id }) => id === deviceId)?.name ?? deviceId),
      channel === null ? '' : `channel ${channel}`,
    ]
      .filter((part) => part !== '')
      .join(', ');
  if (found instanceof Error) return <p className="error">{found.message}</p>;
  const nothing = pictures.length === 0 && found?.length === 0;
  return (
    <>
      {found === null && <p className="small">Asking…</p>}
      {nothing && <p className="empty">{waiting ? 'Nothing is ready yet.' : 'Nothing was kept.'}</p>}
      <ul className="gallery">
        {pictures.map((picture) => (
          <li key={picture.mediaId}>
            <Picture mediaId={picture.mediaId} caption="from the device" alt="Sent by the device with the alarm" />
          </li>
        ))}
        {(found ?? []).map((one) => (
          <li key={one.mediaId} className={one.kind}>
            {one.kind === 'clip' ? (
              <Clip clip={one} camera={cameraOf(one)} />
            ) : (
              <Kept picture={one} camera={cameraOf(one)} raisedAt={alarm.raisedAt} />
            )}
          </li>
        ))}
      </ul>
      {waiting && <p className="small">More is on its way.</p>}
    </>
  );
}

function Picture({ mediaId, caption, alt }: { mediaId: string; caption: string; alt: string }) {
  return (
    <figure>
      <a href={address(mediaId)} target="_blank" rel="noreferrer">
        <img src={address(mediaId)} alt={alt} loading="lazy" />
      </a>
      <figcaption>{caption}</figcaption>
    </figure>
  );
}

function Kept({ picture, camera, raisedAt }: { picture: AlarmMedia; camera: string; raisedAt: number }) {
  const offset = Math.round((picture.at - raisedAt) / 100) / 10;
  const moment =
    Math.abs(offset) < 0.5 ? 'at the alarm' : `${Math.abs(offset)} s ${offset < 0 ? 'before' : 'after'} the alarm`;
  const where = camera === '' ? '' : `${camera}, `;
  return <Picture mediaId={picture.mediaId} caption={`${where}${moment}`} alt={`Picture of ${where}${moment}`} />;
}

function Clip({ clip, camera }: { clip: AlarmMedia; camera: string }) {
  const length = clip.until === null ? '' : span(clip.until - clip.at);
  const [unplayable, setUnplayable] = useState(false);
  return (
    <figure>
      {unplayable ? (
        <p className="small">
          This browser can't play this clip, most likely because the camera records in H.265: download it, or set the
          camera to H.264.
        </p>
      ) : (
        // biome-ignore lint/a11y/useMediaCaption: nobody has written down what a camera hears
        <video src={address(clip.mediaId)} controls preload="metadata" playsInline onError={() => setUnplayable(true)}>
          <a href={address(clip.mediaId)}>Download the clip</a>
        </video>
      )}
      <figcaption>
        clip{camera && ` of ${camera}`}, <time title={dayAndTime(clip.at)}>{clockTime(clip.at)}</time>
        {length && `, ${length}`}
        {clip.note && <strong> {clip.note}</strong>} ·{' '}
        <a href={address(clip.mediaId)} download={clip.name ?? true}>
          download
        </a>
      </figcaption>
    </figure>
  );
}

function useMedia(alarmId: string, fresh: string): AlarmMedia[] | Error | null {
  const [found, setFound] = useState<AlarmMedia[] | Error | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asks again when an action has kept something more
  useEffect(() => {
    let current = true;
    api.alarmMedia(alarmId).then(
      (media) => current && setFound(media),
      (error: Error) => current && setFound(error),
    );
    return () => {
      current = false;
    };
  }, [alarmId, fresh]);
  return found;
}
