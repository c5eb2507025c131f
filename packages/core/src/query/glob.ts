// Decides which texts a pattern matches: `*` is any text, `?` one character, and nothing else is special.

/** Whether a text matches. The time grows with the product of both lengths at most, whatever they are. */
export type Glob = (text: string) => boolean;

export const makeGlob = (pattern: string): Glob => {
  const wanted = [...pattern];
  return (text) => matches(wanted, [...text]);
};

const matches = (wanted: ReadonlyArray<string>, given: ReadonlyArray<string>): boolean => {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < given.length;) {
    const piece = wanted[at];
    if (piece === "*") {
      star = at++;
      resume = index;
    } else if (piece === "?" || piece === given[index]) {
      at += 1;
      index += 1;
    } else if (star === -1) {
      return false;
    } else {
      // The last star takes one character more; those before it need never do.
      at = star + 1;
      index = ++resume;
    }
  }
  while (wanted[at] === "*") at += 1;
  return at === wanted.length;
};
