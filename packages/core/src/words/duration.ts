// Decides which texts say how long something takes or waits, as people write it: 500ms, 30s, 5m, 2h.

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

export const durationPattern = /^([0-9]{1,9})(ms|s|m|h)$/u;

/** As messages say what is expected, and how that looks. */
export const durationExpected = "a whole number with its unit: ms, s, m or h";
export const durationHint = 'such as "30s" or "5m"';

/** Milliseconds; nothing for a text that is no duration. */
export const parseDuration = (text: string): number | undefined => {
  const match = durationPattern.exec(text);
  return match === null ? undefined : Number(match[1]) * units[match[2]!]!;
};
