import { useEffect, useState } from 'react';
import { clockTime } from './words';

/** A console reconnects within this time after a restart; to tell of that would only alarm. */
const PATIENCE_MS = 4_000;

/** Says that what is shown may be old. A lamp alone is not seen by whoever looks at the list of alarms. */
export function LinkBar({ linked }: { linked: boolean }) {
  const [since, setSince] = useState<number | null>(null);
  useEffect(() => {
    if (linked) {
      setSince(null);
      return;
    }
    const lost = Date.now();
    const timer = setTimeout(() => setSince(lost), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [linked]);
  if (since === null) return null;
  return (
    <div className="notice unlinked" role="alert">
      <span>
        Not connected to alarmflow since {clockTime(since)}: new alarms are missing here, and what is shown may be over.
        This page tries again by itself; check that alarmflow runs and the network is up.
      </span>
    </div>
  );
}
