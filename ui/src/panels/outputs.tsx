import type { OutputRow } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { span } from '../words';

const modes = [
  { mode: 'auto', word: 'Auto', title: 'On while an alarm holds it' },
  { mode: 'on', word: 'On', title: 'Always on, by hand' },
  { mode: 'off', word: 'Off', title: 'Always off, whatever alarms ask' },
] as const;

/** What the end of a hold depends on, where its time alone does not tell. */
const holdWords: Record<OutputRow['heldBy'][number]['kind'], string> = {
  'after-clear': '',
  'until-cleared': ', until it is reset by hand',
  fixed: ' for a fixed time',
  extended: ', begun anew at every start',
};

export function OutputsPanel({ outputs, now, actor }: { outputs: OutputRow[]; now: number; actor: Actor }) {
  const on = outputs.filter((output) => output.desired).length;
  return (
    <section className="panel" aria-labelledby="outputs-title">
      <h2 id="outputs-title">
        Outputs <span className={`count ${on > 0 ? 'some' : ''}`}>{on} on</span>
        {actor.mayOperate && outputs.length > 0 && (
          <button type="button" className="aside" onClick={() => actor.act(api.resetOutputs())}>
            Alarm reset
          </button>
        )}
      </h2>
      {outputs.length === 0 && <p className="empty">No flow uses an alarm output yet.</p>}
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
  const state = settled ? (output.desired ? 'on' : 'off') : output.desired ? 'switching on' : 'switching off';
  return (
    <li className={tone}>
      <span className="lamp" aria-hidden="true" />
      <div className="what">
        <strong>{output.name}</strong>{' '}
        <span className="state">{output.dryRun ? `dry run: would be ${output.desired ? 'on' : 'off'}` : state}</span>
        <p className="small">
          {output.deviceName} · output {output.output}
        </p>
        {output.heldBy.map((held) => (
          <p className="small" key={held.leaseId}>
            held by {held.label}
            {holdWords[held.kind]}
            {held.endsAt !== null &&
              `, ${held.countsDown ? 'off in' : 'at the longest for'} ${span(held.endsAt - now)}`}
          </p>
        ))}
        {output.lastError && <p className="small error">{output.lastError}</p>}
      </div>
      <fieldset className="modes" disabled={!actor.mayOperate}>
        <legend className="hidden">Mode of {output.name}</legend>
        {modes.map(({ mode, word, title }) => (
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
    </li>
  );
}
