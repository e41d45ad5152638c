const clockFaces = new Map<string | undefined, Intl.DateTimeFormat>();
/** The values of one action name the same moment several times. */
let latest: { zone: string | undefined; at: number; text: string } | null = null;

/** Making a formatter takes a thousand times as long as using it; a new zone of the process gets its own. */
function clockFace(zone: string | undefined): Intl.DateTimeFormat {
  let face = clockFaces.get(zone);
  if (!face) {
    face = new Intl.DateTimeFormat('sv-SE', {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'short',
    });
    clockFaces.set(zone, face);
  }
  return face;
}

/**
 * Local time of this machine, e.g. `2026-11-21 08:00:00 CET`.
 * @param at wall milliseconds
 */
export function localTime(at: number): string {
  const zone = process.env.TZ;
  if (latest?.at !== at || latest.zone !== zone) latest = { zone, at, text: clockFace(zone).format(at) };
  return latest.text;
}
