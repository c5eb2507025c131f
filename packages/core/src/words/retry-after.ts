// Decides what a server means by `retry-after`: a number of seconds, or a date.

/** Milliseconds from now on; nothing where there is no such header, or it cannot be read. */
export const retryAfterMillisOf = (header: string | null, now: number): number | null => {
  if (header === null) return null;
  const seconds = Number(header);
  if (header.trim() !== "" && Number.isFinite(seconds)) return seconds < 0 ? null : seconds * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
};
