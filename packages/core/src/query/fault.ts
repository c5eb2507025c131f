// What is wrong with a query, where, and what to do: at most a few at once.

import { positionAt } from "./tree.ts";
import type { Position } from "./tree.ts";

export interface QueryFault {
  readonly at: Position;
  /** One short sentence without a full stop; text of the query in it is escaped. */
  readonly summary: string;
  /** What to do next. */
  readonly hint?: string;
}

/** More than these are not told. */
export const faultLimit = 20;

/** Takes down what is wrong at an offset; of two faults in one place the first counts. */
export type Blame = (offset: number, summary: string, hint?: string) => void;

export const blaming =
  (faults: Array<QueryFault>): Blame =>
  (offset, summary, hint) => {
    if (faults.length >= faultLimit || faults.some(({ at }) => at.offset === offset)) return;
    faults.push({ at: positionAt(offset), summary, ...(hint === undefined ? {} : { hint }) });
  };
