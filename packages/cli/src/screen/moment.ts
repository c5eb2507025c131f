// Decides how times and lengths of time are told to people.

const units: ReadonlyArray<readonly [string, number]> = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

/** The largest whole unit: `3 min`, `2 d`; under a second `0 s`. Negative lengths are told as none. */
export const viewLength = (millis: number): string => {
  const [unit, size] = units.find(([, least]) => millis >= least) ?? ["s", 1_000];
  return `${Math.max(0, Math.floor(millis / size))} ${unit}`;
};

/** `3 min ago`, or `in 3 min`; a text that is no time is not told. */
export const viewAgo = (time: string | number, now: number): string => {
  const at = typeof time === "number" ? time : Date.parse(time);
  if (Number.isNaN(at)) return "";
  return at > now ? `in ${viewLength(at - now)}` : `${viewLength(now - at)} ago`;
};

const latest = 8_640_000_000_000_000;

/** ISO 8601 without milliseconds: `2026-08-01T18:00:00Z`. */
export const viewTime = (time: string | number): string => {
  const at = typeof time === "number" ? time : Date.parse(time);
  if (Number.isNaN(at)) return "an unknown time";
  return `${new Date(Math.max(-latest, Math.min(at, latest))).toISOString().slice(0, -5)}Z`;
};
