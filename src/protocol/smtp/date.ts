/** The date of trace fields. RFC 5322 §3.3; the day has no leading zero and the zone is always -0000, as in qmail. */

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number: number) => String(number).padStart(2, "0");

/** The last second that somebody asked for, and its date: many messages come in one second. */
let last = { second: Number.NaN, date: "" };

/** `5 Feb 2024 10:00:00 -0000`: the moment `milliseconds` after 1970. */
export function rfc5322Date(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  if (second !== last.second) last = { second, date: dateOf(new Date(milliseconds)) };
  return last.date;
}

function dateOf(at: Date): string {
  const day = `${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
  return `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} -0000`;
}
