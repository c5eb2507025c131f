// Decides which faults a sweep is asked for, so that a long one can be run in pieces.

/**
 * All of them when nothing is asked. Else a list with commas, each a name or a range `FIRST..LAST`
 * in the order of `names`, either end of which may be left out. Throws at an unknown name.
 */
export const chosenFaults = (
  names: ReadonlyArray<string>,
  asked: string | undefined,
): ReadonlySet<string> => {
  const placeOf = (name: string, otherwise: number): number => {
    if (name === "") return otherwise;
    const place = names.indexOf(name);
    if (place < 0) throw new Error(`no fault ${name}; there are: ${names.join(", ")}`);
    return place;
  };
  if (asked === undefined || asked === "") return new Set(names);
  return new Set(
    asked.split(",").flatMap((part) => {
      const [first = "", last = first] = part.split("..").map((name) => name.trim());
      return names.slice(placeOf(first, 0), placeOf(last, names.length - 1) + 1);
    }),
  );
};
