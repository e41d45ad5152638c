import { useEffect, useRef, useState } from 'react';
import type { OutputRow } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { type Buzzer, createBuzzer } from '../buzzer-sound';
import { holdersInShort } from '../words';

/**
 * Sounds while the console's buzzer is held, and says for whom. What is heard is what is known: a console that has lost
 * its connection goes on until it knows better.
 */
export function BuzzerBar({ outputs, linked, actor }: { outputs: OutputRow[]; linked: boolean; actor: Actor }) {
  const buzzer = useRef<Buzzer | null>(null);
  const [blocked, setBlocked] = useState(false);
  const held = outputs.find((output) => output.soundsHere && output.desired && !output.dryRun);
  const sound = held?.manner?.sound;
  const volume = held?.manner?.volume;
  const times = held?.manner?.times;
  const since = held?.soundsSince ?? null;
  const [done, setDone] = useState(false);

  useEffect(() => {
    if (held) {
      buzzer.current ??= createBuzzer(setBlocked, () => setDone(true));
      if (buzzer.current.play({ sound, volume, times, since })) setDone(false);
    } else buzzer.current?.silence();
  }, [held, sound, volume, times, since]);

  useEffect(
    () => () => {
      buzzer.current?.close();
      buzzer.current = null;
    },
    [],
  );

  if (!held) return null;
  const by = holdersInShort(held.heldBy.map(({ label }) => label));
  return (
    <div className="buzzer" role="alert">
      <svg className="bell" viewBox="0 0 24 24" aria-hidden="true">
        <path d="M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4" />
      </svg>
      <span className="what">
        <strong>{held.name}</strong>
        {by === '' ? ' is on by hand' : ` for ${by}`}
        {done && times !== undefined && (
          <span className="small"> · It has sounded {times === 1 ? 'once' : `${times} times`}.</span>
        )}
        {blocked && <span className="small"> · This browser is silent until you click into the page.</span>}
        {!linked && <span className="small"> · Not connected: this may be over.</span>}
      </span>
      {actor.mayOperate && held.heldBy.length > 0 && (
        <button type="button" onClick={() => actor.act(api.resetOutput(held.id))}>
          Silence
        </button>
      )}
      {actor.mayOperate && held.heldBy.length === 0 && (
        <button type="button" onClick={() => actor.act(api.setMode(held.id, 'auto'))}>
          Silence
        </button>
      )}
    </div>
  );
}
