// Decides which texts are an age, as people write it: 90s, 24h, 1d12h, 2w.

const units: ReadonlyArray<readonly [unit: string, millis: number]> = [
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
];

const agePattern = /^(?:[0-9]{1,10}[smhdw]){1,8}$/u;

/** A hundred years: what is longer is a slip. */
const longestAge = 36_525 * 86_400_000;

export const ageHint = 'such as "24h" or "1d12h"';

/** Milliseconds; nothing for a text that is no age, or one of more than a hundred years. */
export const parseAge = (text: string): number | undefined => {
  if (!agePattern.test(text)) return undefined;
  let age = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)([smhdw])/gu)) {
    age += Number(count) * units.find(([name]) => name === unit)![1];
  }
  return age <= longestAge ? age : undefined;
};

/** The shortest text that is this age; milliseconds in, whole seconds told. */
export const printAge = (millis: number): string => {
  let rest = millis;
  let text = "";
  for (const [unit, length] of units) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === "" ? "0s" : text;
};
