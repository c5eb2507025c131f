// Decides what a document, or a set within one, may be called.

/** Lower-case letters, digits and inner dashes, at most 63: also a host name and a tag value. */
export const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/u;

export const nameExpected =
  "1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends";

export const isName = (text: string): boolean => namePattern.test(text);

/** The nearest allowed name, for a hint; nothing when little of the text could be kept. */
export const allowedName = (text: string): string | undefined => {
  const name = text
    .slice(0, 256)
    .toLowerCase()
    .replace(/[^a-z0-9]+/gu, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/gu, "");
  return isName(name) ? name : undefined;
};

/** A hint for a text that is no name. */
export const nameHint = (text: string): string | undefined => {
  const name = allowedName(text);
  return name === undefined ? undefined : `such as "${name}"`;
};
