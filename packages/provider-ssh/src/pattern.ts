// Decides whether a name matches a pattern of OpenSSH: `*`, `?`, and lists with negation.

/** `*` is any run of characters, `?` any one; nothing else is special. Takes time linear in both. */
export const matchesPattern = (pattern: string, text: string): boolean => {
  let [at, from] = [0, 0];
  let star = -1;
  let resume = 0;
  while (from < text.length) {
    const wanted = pattern[at];
    if (wanted === "*") {
      star = at;
      resume = from;
      at += 1;
    } else if (wanted === "?" || (wanted !== undefined && wanted === text[from])) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      from = resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
};

/** Whether a list lets a name in; one negated pattern that matches shuts it out, wherever it stands. */
export const matchesList = (patterns: ReadonlyArray<string>, text: string): boolean => {
  let matched = false;
  for (const pattern of patterns) {
    if (pattern.startsWith("!")) {
      if (matchesPattern(pattern.slice(1), text)) return false;
    } else {
      matched ||= matchesPattern(pattern, text);
    }
  }
  return matched;
};

/** Whether a pattern is more than the name that it spells. */
export const isWild = (pattern: string): boolean => /[*?]/.test(pattern);
