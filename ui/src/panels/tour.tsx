import { useEffect, useState } from 'react';
import type { Popup } from '../../../engine/host/console-api';

/** How often the camera that is shown is asked for a new picture. */
const REFRESH_MS = 1_500;

type TourOf = NonNullable<Popup['tour']>;

/** Linked cameras in turn, each live for its time. A picture takes the place of the one before when it is there whole. */
export function Tour({ popup, tour }: { popup: string; tour: TourOf }) {
  const [at, setAt] = useState(0);
  const [held, setHeld] = useState(false);
  const [seen, setSeen] = useState<{ at: number; source: string } | null>(null);
  const [missing, setMissing] = useState(false);
  const { stops, dwellMs } = tour;
  const stop = stops[at % stops.length];

  useEffect(() => {
    if (held || stops.length < 2) return;
    const timer = setInterval(() => setAt((before) => (before + 1) % stops.length), dwellMs);
    return () => clearInterval(timer);
  }, [held, stops.length, dwellMs]);

  useEffect(() => {
    let left = false;
    let next: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      const picture = new Image();
      const done = (found: boolean): void => {
        if (left) return;
        setMissing(!found);
        if (found) setSeen({ at, source: picture.src });
        next = setTimeout(ask, REFRESH_MS);
      };
      picture.onload = () => done(true);
      picture.onerror = () => done(false);
      picture.src = `/api/v1/popups/${encodeURIComponent(popup)}/tour/${at}?${Date.now()}`;
    };
    ask();
    return () => {
      left = true;
      clearTimeout(next);
    };
  }, [popup, at]);

  if (!stop) return null;
  const name = `${stop.deviceName}, channel ${stop.channel}`;
  const current = seen?.at === at ? seen.source : null;
  return (
    <figure className="tour">
      <div className="screen">
        {current && <img src={current} alt={`${name}, now`} />}
        {!current && <span>{missing ? 'No picture from this camera' : 'Waiting for the picture…'}</span>}
      </div>
      <figcaption>
        <span>
          {name}
          {current && missing && ' · no new picture'}
        </span>
        {stops.length > 1 && (
          <span className="stops">
            {stops.map((one, index) => (
              <button
                key={`${one.deviceId}/${one.channel}/${String(index)}`}
                type="button"
                className="plain"
                aria-current={index === at}
                aria-label={`Show ${one.deviceName}, channel ${one.channel}`}
                onClick={() => {
                  setAt(index);
                  setHeld(true);
                }}
              >
                {index + 1}
              </button>
            ))}
            <button type="button" className="plain" onClick={() => setHeld(!held)}>
              {held ? 'Go on' : 'Stay'}
            </button>
          </span>
        )}
      </figcaption>
    </figure>
  );
}
