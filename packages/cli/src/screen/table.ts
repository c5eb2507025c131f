// Decides how rows become columns, and how long text is broken, so that both fit the screen.

/** Cells may hold escaped text only: each character is one column wide. */
export type Row = ReadonlyArray<string>;

const gap = "  ";
const narrowest = 8;

/**
 * Lines of a table, the first row its heading. Wider than `width`, the widest columns are cut, each
 * to no less than eight characters; without a width nothing is cut. The first column tells the rows
 * apart: it is cut last, and at its front, where kinds and years are all the same, unless its ends
 * are, as domains of hosts.
 */
export const viewTable = (
  rows: ReadonlyArray<Row>,
  width: number | null,
  firstCut: "at its front" | "at the end" = "at its front",
): ReadonlyArray<string> => {
  const widths = widthsOf(rows);
  if (width !== null) shrink(widths, width - gap.length * (widths.length - 1));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        fit(cell, widths[column]!, column === 0 && firstCut === "at its front"),
      )
      .join(gap)
      .trimEnd(),
  );
};

/** How wide the table is when nothing is cut. */
export const tableWidth = (rows: ReadonlyArray<Row>): number =>
  widthsOf(rows).reduce((total, one) => total + one + gap.length, -gap.length);

const widthsOf = (rows: ReadonlyArray<Row>): Array<number> => {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? "")].length)),
  );
};

const shrink = (widths: Array<number>, width: number): void => {
  const sum = () => widths.reduce((total, one) => total + one, 0);
  while (sum() > width) {
    const others = widths.slice(1);
    const widest = Math.max(0, ...others);
    const column = widest > narrowest ? 1 + others.indexOf(widest) : 0;
    if ((widths[column] ?? 0) <= narrowest) return;
    widths[column]! -= 1;
  }
};

const fit = (cell: string, width: number, atFront: boolean): string => {
  const characters = [...cell];
  if (characters.length <= width) return cell + " ".repeat(width - characters.length);
  return atFront
    ? `…${characters.slice(1 - width).join("")}`
    : `${characters.slice(0, width - 1).join("")}…`;
};

/** Breaks at spaces; each line begins with the indent. A word that is too long stays whole. */
export const wrap = (text: string, width: number | null, indent: string): ReadonlyArray<string> => {
  if (width === null) return [indent + text];
  const lines: Array<string> = [];
  let line = indent;
  for (const word of text.split(" ")) {
    const longer = line === indent ? line + word : `${line} ${word}`;
    if (longer.length > width && line !== indent) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
};
