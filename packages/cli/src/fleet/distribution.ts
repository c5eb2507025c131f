// Decides how a total spreads over groups: in proportion to their counts, by largest remainder. Pure.

export interface Asked {
  readonly group: string;
  readonly count: number;
}

export interface Distribution {
  /** In the order of the document. */
  readonly groups: ReadonlyArray<Asked>;
  /** How it came about, to be read by people; nothing where there was nothing to choose. */
  readonly how: string | null;
}

/**
 * Each group gets the whole part of its share; what is left goes to the largest remainders, and of
 * equal ones to the group that stands first. Where the document asks for none at all, the first
 * group gets everything.
 */
export const distribute = (total: number, asked: ReadonlyArray<Asked>): Distribution => {
  const sum = asked.reduce((all, { count }) => all + count, 0);
  if (sum === total) return { groups: asked, how: null };
  if (sum === 0) return toFirst(total, asked);
  const shares = asked.map(({ count }) => Math.floor((total * count) / sum));
  const left = total - shares.reduce((all, share) => all + share, 0);
  const byRemainder = asked
    .map(({ count }, index) => ({ index, remainder: (total * count) % sum }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  const lucky = new Set(byRemainder.slice(0, left).map(({ index }) => index));
  const groups = asked.map(({ group }, index) => ({
    group,
    count: shares[index]! + (lucky.has(index) ? 1 : 0),
  }));
  return { groups, how: asked.length === 1 ? null : proportion(total, asked, groups) };
};

const toFirst = (total: number, asked: ReadonlyArray<Asked>): Distribution => ({
  groups: asked.map(({ group }, index) => ({ group, count: index === 0 ? total : 0 })),
  how: `the document asks for none in any group, so all ${total} go to the first, ${asked[0]?.group ?? ""}`,
});

const proportion = (
  total: number,
  asked: ReadonlyArray<Asked>,
  groups: ReadonlyArray<Asked>,
): string =>
  `${total} over ${asked.length} groups in proportion to what the document asks (${tell(asked)}), largest remainders first: ${tell(groups)}`;

const tell = (groups: ReadonlyArray<Asked>): string =>
  groups.map(({ group, count }) => `${group} ${count}`).join(", ");
