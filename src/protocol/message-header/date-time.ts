/** The dates of messages: read as clients write them, written in one form. RFC 5322 §3.3, §4.3. */

/** A moment as its author's clock showed it. Fields are within their usual ranges. */
export interface DateTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** `+0100`; `-0000` when nothing is known of the zone. */
  readonly zone: string;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** RFC 5322 §4.3: these names have a meaning; no other name, and no single letter, has one. */
const zones: ReadonlyMap<string, string> = new Map([
  ["UT", "+0000"],
  ["UTC", "+0000"],
  ["GMT", "+0000"],
  ["EDT", "-0400"],
  ["EST", "-0500"],
  ["CDT", "-0500"],
  ["CST", "-0600"],
  ["MDT", "-0600"],
  ["MST", "-0700"],
  ["PDT", "-0700"],
  ["PST", "-0800"],
]);

const pattern =
  /^ *(?:[a-z]+ *,? *)?(\d{1,2})[ -]*([a-z]{3})[a-z]*[ -]*(\d{2,4}) +(\d{1,2}) *: *(\d{2})(?: *: *(\d{2}))?(?: *([-+]\d{4}|[a-z]+))? *$/i;

/** The date in a field's value; undefined when it is none. */
export function parseDateTime(value: string): DateTime | undefined {
  const text = value
    .slice(0, 200)
    .replace(/\([^()]*\)/g, " ")
    .replace(/[\x00-\x20]+/g, " ");
  const [whole, day, name = "", year = "", hour, minute, second = "0", zone = ""] = pattern.exec(text) ?? [];
  const month = months.findIndex((known) => known.toLowerCase() === name.toLowerCase()) + 1;
  if (whole === undefined || month === 0) return undefined;
  const date: DateTime = {
    year: Number(year) + (year.length === 4 ? 0 : year.length === 2 && Number(year) < 50 ? 2000 : 1900),
    month,
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    zone: /^[-+]/.test(zone) ? zone : (zones.get(zone.toUpperCase()) ?? "-0000"),
  };
  const daysInMonth = new Date(Date.UTC(date.year, month, 0)).getUTCDate();
  const possible =
    date.day >= 1 && date.day <= daysInMonth && date.hour < 24 && date.minute < 60 && date.second <= 60;
  return possible ? date : undefined;
}

/** The moment `milliseconds` after 1970, in a zone we do not tell. */
export function dateTimeOf(milliseconds: number): DateTime {
  const at = new Date(milliseconds);
  return {
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
    zone: "-0000",
  };
}

/** `3 Mar 2020 10:11:12 +0100`. */
export function dateTimeText({ year, month, day, hour, minute, second, zone }: DateTime): string {
  return `${day} ${months[month - 1]} ${year} ${two(hour)}:${two(minute)}:${two(second)} ${zone}`;
}

/** `20200303101112`. */
export function dateTimeStamp({ year, month, day, hour, minute, second }: DateTime): string {
  return String(year).padStart(4, "0") + [month, day, hour, minute, second].map(two).join("");
}

const two = (number: number) => String(number).padStart(2, "0");
