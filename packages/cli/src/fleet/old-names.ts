// Decides which group a member of the old naming scheme belongs to: `<prefix>-<group>-…`, and only where one alone fits. Pure.

/**
 * The group that a display name tells, or nothing when none or several fit. Names and prefixes may
 * hold hyphens: of groups whose names begin alike the longest that fits is meant.
 */
export const groupByOldName = (
  displayName: string,
  prefixes: ReadonlyArray<string>,
  groups: ReadonlyArray<string>,
): string | null => {
  const fits = prefixes.flatMap((prefix) =>
    groups.filter((group) => displayName.startsWith(`${prefix}-${group}-`)),
  );
  const longest = Math.max(0, ...fits.map((group) => group.length));
  const best = new Set(fits.filter((group) => group.length === longest));
  return best.size === 1 ? [...best][0]! : null;
};
