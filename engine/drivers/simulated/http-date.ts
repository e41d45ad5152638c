import { isoTime } from '../../clock/clock';

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A moment as a `Date` header tells it, RFC 9110 §5.6.7. */
export function httpDate(ms: number): string {
  const iso = isoTime(ms);
  const day = DAYS[((Math.floor(ms / 86_400_000) % 7) + 7) % 7];
  const month = MONTHS[Number(iso.slice(5, 7)) - 1];
  return `${day}, ${iso.slice(8, 10)} ${month} ${iso.slice(0, 4)} ${iso.slice(11, 19)} GMT`;
}
