// Decides whether a stream gets colours and live lines, and how text is coloured.

export type Colour = "red" | "green" | "yellow" | "cyan" | "dim" | "bold";

export interface Paint {
  (colour: Colour, text: string): string;
}

const codes: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export const plain: Paint = (_colour, text) => text;

const coloured: Paint = (colour, text) => {
  const [on, off] = codes[colour];
  return `\u001b[${on}m${text}\u001b[${off}m`;
};

export interface StreamTraits {
  readonly isTTY?: boolean | undefined;
}

/** NO_COLOR (any value but empty) and dumb terminals get none; FORCE_COLOR gets colours anywhere. */
export const paintFor = (
  stream: StreamTraits,
  env: Readonly<Record<string, string | undefined>>,
): Paint => {
  if ((env["NO_COLOR"] ?? "") !== "") return plain;
  if ((env["FORCE_COLOR"] ?? "") !== "" && env["FORCE_COLOR"] !== "0") return coloured;
  return stream.isTTY === true && env["TERM"] !== "dumb" ? coloured : plain;
};
