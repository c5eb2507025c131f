// Decides how text from outside may stand in our messages: no secret, no control character, no end.

/** Characters of a message that are kept. */
export const messageLimit = 1_000;

const userinfo = /([a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/gi;

/** Control and direction characters, and those without a width. */
const hidden =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** True when nothing in it is invisible or steers a terminal or the direction of the text. */
export const isPlain = (text: string): boolean => text.search(hidden) === -1;

/** Shows control and direction characters as `\u{…}`; line ends become ` / `. */
export const escapeOutside = (text: string): string =>
  text
    .trim()
    .replaceAll(/\s*\n\s*/g, " / ")
    .replaceAll(hidden, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);

/** Takes out user names and passwords of URLs, and each of the secrets. */
export const stripSecrets = (text: string, secrets: ReadonlyArray<string>): string =>
  secrets
    .filter((secret) => secret !== "")
    .reduce((kept, secret) => kept.replaceAll(secret, "***"), text)
    .replaceAll(userinfo, "$1");

/** What a message of ours may quote: secrets out, escaped, cut at `messageLimit`. */
export const quoteOutside = (text: string, secrets: ReadonlyArray<string> = []): string => {
  const clean = escapeOutside(stripSecrets(text, secrets));
  return clean.length <= messageLimit ? clean : `${clean.slice(0, messageLimit)}…`;
};
