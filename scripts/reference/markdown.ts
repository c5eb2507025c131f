// Decides how words stand in the tables of a generated page.

export const code = (text: string): string => `\`${text}\``;

/** Outside of backticks, what looks like a tag would vanish from the page. */
export const prose = (text: string): string =>
  text
    .split("`")
    .map((part, index) => (index % 2 === 0 ? part.replaceAll("<", "\\<") : part))
    .join("`");

/** One row; a bar or a line break inside a cell would end it. */
export const row = (cells: ReadonlyArray<string>): string =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
