import type { Site } from '../../engine/host/console-api';

/** Says across the whole page that events cannot be kept: nothing new appears below until that is over. */
export function TroubleBar({ site }: { site: Site | null }) {
  if (!site?.trouble) return null;
  return (
    <div className="notice trouble" role="alert">
      <span>
        <strong>Events cannot be kept, devices are refused:</strong> {site.trouble}
      </span>
    </div>
  );
}
