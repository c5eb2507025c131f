// Decides which texts name a moment: ISO 8601 with a zone, so that it is the same one everywhere.

export const timePattern =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|([+-])(\d{2}):(\d{2}))$/u;

/** As messages say what is expected, and how that looks. */
export const timeExpected = "a time in ISO 8601, with its zone";
export const timeHint = 'such as "2026-08-01T18:00:00Z" or "2026-08-01T20:00:00+02:00"';

/** Milliseconds since the epoch; nothing for a day that no calendar has, or a time without a zone. */
export const parseTime = (text: string): number | undefined => {
  const match = timePattern.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = "0", sign, zoneHour = "0", zoneMinute = "0"] =
    match;
  // Leap seconds and the midnight that is written 24:00 are no moments of ours.
  const local = Date.UTC(+year!, +month! - 1, +day!, +hour!, +minute!, +second);
  const spelled = `${year}-${month}-${day}T${hour}:${minute}:${second.padStart(2, "0")}.000Z`;
  if (new Date(local).toISOString() !== spelled) return undefined;
  if (+zoneHour > 23 || +zoneMinute > 59) return undefined;
  const east = (+zoneHour * 60 + +zoneMinute) * (sign === "-" ? -60_000 : 60_000);
  const fraction = /\.(\d{1,3})/u.exec(text)?.[1]?.padEnd(3, "0") ?? "0";
  return local - east + Number(fraction);
};
