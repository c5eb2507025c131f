// Measures a thing against its peer in the same run, turn by turn, and prints a line per figure.

import { loadavg } from "node:os";

/** One line: what was measured, and whether it stays within its bound. */
export interface Figure {
  readonly what: string;
  /** Milliseconds, or a plain number when `unit` says so. */
  readonly median: number;
  readonly unit: "ms" | "";
  /** What it was held against, and how much that took; nothing for a plain number. */
  readonly peer: { readonly what: string; readonly median: number } | null;
  /** Median of the rounds' own ratios; nothing for a plain number. */
  readonly ratio: number | null;
  /** The most that `ratio`, or `median` without a peer, may be; nothing when it only informs. */
  readonly bound: number | null;
  readonly ok: boolean;
}

export interface Comparison {
  readonly what: string;
  readonly run: () => unknown;
  readonly against: string;
  readonly peer: () => unknown;
  readonly bound: number | null;
  /** Measured rounds, after one that only warms up. Default 5. */
  readonly rounds?: number;
}

/**
 * Runs both sides in turn, so that what else the machine does meets both. The order changes with
 * every round: whoever comes second would always pay for the other's garbage.
 */
export const compare = async (comparison: Comparison): Promise<Figure> => {
  const rounds = comparison.rounds ?? 5;
  const times: Array<readonly [run: number, peer: number]> = [];
  await takeTurns(comparison, false);
  for (let round = 0; round < rounds; round += 1) {
    times.push(await takeTurns(comparison, round % 2 === 0));
  }
  return ratioFigure(comparison, times);
};

/** A figure from times that were taken already: pairs of milliseconds, one per round. */
export const ratioFigure = (
  told: Pick<Comparison, "what" | "against" | "bound">,
  times: ReadonlyArray<readonly [run: number, peer: number]>,
): Figure => {
  const ratio = median(times.map(([run, peer]) => run / peer));
  return {
    what: told.what,
    median: median(times.map(([run]) => run)),
    unit: "ms",
    peer: { what: told.against, median: median(times.map(([, peer]) => peer)) },
    ratio,
    bound: told.bound,
    ok: told.bound === null || ratio <= told.bound,
  };
};

/** A figure that is no time, such as a count. */
export const plainFigure = (what: string, value: number, bound: number | null): Figure => ({
  what,
  median: value,
  unit: "",
  peer: null,
  ratio: null,
  bound,
  ok: bound === null || value <= bound,
});

const takeTurns = async (
  { run, peer }: Comparison,
  peerFirst: boolean,
): Promise<readonly [run: number, peer: number]> => {
  if (!peerFirst) return [await timed(run), await timed(peer)];
  const peerMillis = await timed(peer);
  return [await timed(run), peerMillis];
};

/** How long it takes, in milliseconds; with `node --expose-gc` on a swept heap. */
export const timed = async (work: () => unknown): Promise<number> => {
  globalThis.gc?.();
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** The middle one; of an even number, the mean of the two in the middle. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/**
 * Prints the figures of one benchmark as they come: lines for people, or with `-o json` one object
 * at the end. Being over a bound is told, and is no failure: a time is never a test.
 */
export const report = async (
  title: string,
  figures: AsyncIterable<Figure>,
  args: ReadonlyArray<string> = process.argv.slice(2),
): Promise<void> => {
  const json = args.join(" ").includes("-o json");
  const all: Array<Figure> = [];
  const before = load();
  if (!json) console.log(`${title} (node ${process.versions.node}, load ${before})`);
  for await (const figure of figures) {
    all.push(figure);
    if (!json) console.log(line(figure));
  }
  const facts = { title, node: process.versions.node, load: [before, load()], figures: all };
  console.log(json ? JSON.stringify(facts) : `load at the end ${load()}`);
};

const load = (): string => loadavg()[0]!.toFixed(1);

const line = (figure: Figure): string =>
  [
    (figure.bound === null ? "" : figure.ok ? "ok" : "over").padEnd(5),
    figure.what.padEnd(58),
    `${readable(figure.median)} ${figure.unit}`.padStart(10),
    figure.peer === null || figure.ratio === null
      ? ""
      : `  × ${figure.ratio.toFixed(2)} of ${figure.peer.what} (${readable(figure.peer.median)} ms)`,
    figure.bound === null ? "" : `  at most ${figure.peer === null ? "" : "× "}${figure.bound}`,
  ].join("");

const readable = (value: number): string =>
  Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 0);
