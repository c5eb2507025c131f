// Decides how text from outside is shown: escaped, so that no terminal acts on it, and cut short.

/** The longest text that is shown in full, in characters. */
export const quoteLimit = 80;

/**
 * Text from outside, safe to show: control characters (C0, C1, ESC), line and bidi controls,
 * invisible characters and lone surrogates become `\u{..}`; the rest stays.
 * Longer than `limit` characters (default 80) ends in an ellipsis.
 */
export const escapeText = (text: string, limit: number = quoteLimit): string => {
  if (text.length <= limit && isAscii(text)) return text;
  let shown = "";
  let length = 0;
  for (const character of text) {
    if (length === limit) return `${shown}…`;
    shown += escapeCharacter(character);
    length += 1;
  }
  return shown;
};

/** Nothing but printable ASCII, as almost every text is: then there is nothing to escape. */
const isAscii = (text: string): boolean => /^[ -~]*$/u.test(text);

/** `escapeText` in double quotes; quotes and backslashes within are escaped too. */
export const quote = (text: string, limit: number = quoteLimit): string => {
  let shown = "";
  let length = 0;
  for (const character of text) {
    if (length === limit) return `"${shown}…"`;
    const marked = character === '"' || character === "\\";
    shown += marked ? `\\${character}` : escapeCharacter(character);
    length += 1;
  }
  return `"${shown}"`;
};

/**
 * JSON that is safe to show, and still the same JSON: it escapes controls below the space by itself,
 * and here all else that a terminal may act on. Where text is no JSON, line ends and colours stay.
 */
export const escapeJson = (json: string): string =>
  json.replaceAll(/[^\0-~]/gu, (character) =>
    isHidden(character.codePointAt(0)!)
      ? Array.from({ length: character.length }, (_, at) => unitOf(character, at)).join("")
      : character,
  );

const unitOf = (text: string, at: number): string =>
  `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`;

const escapeCharacter = (character: string): string => {
  const code = character.codePointAt(0)!;
  return isHidden(code) ? `\\u{${code.toString(16)}}` : character;
};

const isHidden = (code: number): boolean =>
  code < 0x20 ||
  (code >= 0x7f && code <= 0x9f) ||
  hiddenRanges.some(([from, to]) => code >= from && code <= to);

const hiddenRanges: ReadonlyArray<readonly [number, number]> = [
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x180e, 0x180e],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f],
];

/** One word of a command that a person may copy: nothing in it is acted on by a shell or terminal. */
export const shellWord = (text: string): string =>
  `'${escapeText(text, 400).replaceAll("'", "'\\''")}'`;
