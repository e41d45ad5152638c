import type { Site } from '../../engine/host/console-api';
import type { Actor } from './actor';
import { api } from './api';
import { dayAndTime } from './words';

/** Says across the whole page that nothing is done, for as long as that is so. */
export function DryRunBar({ site, actor }: { site: Site | null; actor: Actor }) {
  if (!site?.dryRun?.on) return null;
  const { who, since, held } = site.dryRun;
  return (
    <div className="notice dry-run" role="status">
      <span>
        <strong>Dry run:</strong> actions and outputs are written down and not done.
        {since !== null && ` Since ${dayAndTime(since)}, by ${who}.`}
        {held && ' Started with --dry-run: start alarmflow without it to act for real.'}
      </span>
      {actor.mayAdminister && !held && (
        <button type="button" onClick={() => actor.act(api.setDryRun(false))}>
          Act for real
        </button>
      )}
    </div>
  );
}

/** For administrators, while the site acts. */
export function DryRunButton({ site, actor }: { site: Site | null; actor: Actor }) {
  if (!site || site.dryRun?.on || !actor.mayAdminister) return null;
  const begin = (): void => {
    if (window.confirm('Nothing will be sent and nothing switched on until the dry run is ended. Begin it?'))
      actor.act(api.setDryRun(true));
  };
  return (
    <button type="button" onClick={begin} title="Write down what actions and outputs would do, and do none of it">
      Dry run
    </button>
  );
}
