import type { OutputRow } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { span } from '../words';

const modes = [
  { mode: 'auto', word: 'Auto', title: 'On while an alarm holds it' },
  { mode: 'on', word: 'On', title: 'Always on, by hand' },
  { mode: 'off', word: 'Off', title: 'Always off, whatever alarms ask' },
] as const;

/** A camera is not on or off: it is held in a direction, or free. */
const cameraModes: Record<(typeof modes)[number]['mode'], { word: string; title: string }> = {
  auto: { word: 'Auto', title: 'Looks where an alarm wants it' },
  on: { word: 'Hold', title: 'Looks where its node says, by hand' },
  off: { word: 'Free', title: 'Never moved, whatever alarms ask' },
};

/** Words for off, on, and on the way there. */
const stateWords = {
  switch: ['off', 'on', 'switching off', 'switching on'],
  // Protocols answer yes when the command is taken, not when the camera has arrived.
  camera: ['free', 'held, move accepted', 'letting go', 'turning'],
} as const;

/** What the camera told of its last move, where it does. */
const turnedWords: Partial<Record<NonNullable<OutputRow['turned']>, { word: string; title: string }>> = {
  reached: { word: 'held, in place', title: 'The camera was read back: it rests at the preset' },
  'already-there': { word: 'held, in place', title: 'The camera was read back: it was at the preset already' },
  moved: { word: 'held, turned', title: 'The camera has turned and rests; it does not tell where the preset is' },
  elsewhere: { word: 'held, elsewhere', title: 'The camera rests elsewhere than it says that the preset is' },
  unmoved: { word: 'held, did not turn', title: 'The camera did not turn; it may have been in place already' },
  'still-turning': { word: 'held, still turning', title: 'The camera was still turning when it was last looked at' },
  'not-moved': { word: 'held, did not move', title: 'The camera has taken the command and rests where it was' },
};

/** Where it looks; an auxiliary switch of a camera is a switch like others. */
const isDirection = ({ kind, output }: OutputRow): boolean => kind === 'ptz' && !output.includes(':');

function stateOf(output: OutputRow, settled: boolean): string {
  if (settled && output.desired && isDirection(output) && output.turned) {
    const told = turnedWords[output.turned];
    if (told) return told.word;
  }
  const words = stateWords[isDirection(output) ? 'camera' : 'switch'];
  return words[(settled ? 0 : 2) + (output.desired ? 1 : 0)] ?? '';
}

/** What the end of a hold depends on, where its time alone does not tell. */
const holdWords: Record<OutputRow['heldBy'][number]['kind'], string> = {
  'after-clear': '',
  'until-cleared': ', until it is reset by hand',
  fixed: ' for a fixed time',
  extended: ', begun anew at every start',
};

export function OutputsPanel({ outputs, now, actor }: { outputs: OutputRow[]; now: number; actor: Actor }) {
  const on = outputs.filter((output) => output.desired && !output.dryRun).length;
  return (
    <section className="panel" aria-labelledby="outputs-title">
      <h2 id="outputs-title">
        Outputs <span className={`count ${on > 0 ? 'some' : ''}`}>{on} on</span>
        {actor.mayOperate && outputs.length > 0 && (
          <button
            type="button"
            className="aside"
            title="Alarm reset: drops all that alarms hold"
            onClick={() => actor.act(api.resetOutputs())}
          >
            Reset alarm outputs
          </button>
        )}
      </h2>
      {outputs.length === 0 && (
        <p className="empty">No flow holds an output yet: no alarm output, siren, light, recording or camera.</p>
      )}
      <ul className="outputs">
        {outputs.map((output) => (
          <Output key={output.id} output={output} now={now} actor={actor} />
        ))}
      </ul>
    </section>
  );
}

function Output({ output, now, actor }: { output: OutputRow; now: number; actor: Actor }) {
  const settled = output.dryRun || output.confirmed === output.desired;
  const tone = output.dryRun
    ? output.desired
      ? 'warn'
      : 'quiet'
    : output.lastError
      ? 'alarm'
      : !settled
        ? 'warn'
        : output.desired
          ? 'active'
          : 'quiet';
  const state = stateOf(output, settled);
  return (
    <li className={tone}>
      <span className="lamp" aria-hidden="true" />
      <div className="what">
        <strong>{output.name}</strong>{' '}
        <span
          className="state"
          title={
            isDirection(output) && output.desired
              ? ((output.turned && turnedWords[output.turned]?.title) ??
                'The camera has taken the command; that it has turned is not known')
              : undefined
          }
        >
          {output.dryRun ? `dry run: would be ${output.desired ? 'on' : 'off'}` : state}
        </span>
        <p className="small">
          {output.deviceName} · {output.words}
          {output.desired && output.mannerWords !== '' && !output.output.includes(':') && (
            <b className="manner"> · {output.mannerWords}</b>
          )}
        </p>
        <Holders output={output} now={now} />
        {output.lastError && <p className="small error">{output.lastError}</p>}
      </div>
      <div className="controls">
        {actor.mayOperate && output.heldBy.length > 0 && (
          <button
            type="button"
            title="Drops what holds this output; running alarms do not take it again"
            onClick={() => actor.act(api.resetOutput(output.id))}
          >
            {output.kind === 'siren' ? 'Silence' : 'Release'}
            <span className="hidden"> {output.name}</span>
          </button>
        )}
        <fieldset className="modes" disabled={!actor.mayOperate}>
          <legend className="hidden">Mode of {output.name}</legend>
          {modes
            .map(({ mode, ...words }) => ({ mode, ...(isDirection(output) ? cameraModes[mode] : words) }))
            .map(({ mode, word, title }) => (
              <button
                key={mode}
                type="button"
                title={title}
                aria-pressed={output.mode === mode}
                onClick={() => actor.act(api.setMode(output.id, mode))}
              >
                {word}
              </button>
            ))}
        </fieldset>
      </div>
    </li>
  );
}

/** A flood of alarms must not push the other outputs out of sight: who says how, and few more, unless one asks. */
const MOST_HOLDERS = 3;

function Holders({ output: { heldBy }, now }: { output: OutputRow; now: number }) {
  const sorted = [...heldBy].sort((a, b) => Number(b.decides) - Number(a.decides));
  const line = (held: OutputRow['heldBy'][number]) => (
    <p className="small" key={held.leaseId}>
      held by {held.label}
      {holdWords[held.kind]}
      {held.endsAt !== null && `, ${held.countsDown ? 'off in' : 'at the longest for'} ${span(held.endsAt - now)}`}
      {heldBy.length > 1 && `, priority ${held.priority}`}
      {held.decides && ' – says how'}
    </p>
  );
  const rest = sorted.slice(MOST_HOLDERS);
  return (
    <>
      {sorted.slice(0, MOST_HOLDERS).map(line)}
      {rest.length > 0 && (
        <details className="ask">
          <summary>and {rest.length} more</summary>
          {rest.map(line)}
        </details>
      )}
    </>
  );
}
