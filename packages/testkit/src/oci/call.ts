// Keeps what one request to an operation carries, and what it may lead to.

import type { SimulatorCaller } from "./account.ts";
import type { Answer } from "./answer.ts";
import type { Cloud } from "./cloud.ts";
import type { Death } from "./lifecycle.ts";
import type { Operation } from "./operation.ts";

/** One request that was signed by `account` and has a route. */
export interface Call {
  readonly operation: Operation;
  /** The `{…}` parts of the path. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
  /** The parsed JSON body; undefined when there was none. */
  readonly body: unknown;
  readonly account: SimulatorCaller;
  readonly requestId: string;
  readonly clientIp: string;
  /** The simulator's time, milliseconds since the epoch. */
  readonly now: number;
}

/** What a fault adds to a change that is otherwise accepted. */
export interface Fate {
  readonly workRequestFails?: { readonly code: string; readonly message: string };
  readonly workRequestCanceled?: true;
  /** A launch only: the instance ends by itself, so long after it began to run. */
  readonly dies?: Death;
}

/**
 * What an operation decided without changing anything: an answer, or a change that is valid and
 * waits to be made, so that faults can strike between the two.
 */
export type Decision = { readonly answer: Answer } | { readonly change: (fate: Fate) => Answer };

export type Decide = (cloud: Cloud, call: Call) => Decision;

/** A decision that is only an answer. */
export const answered = (answer: Answer): Decision => ({ answer });

/** How the work request of a change ends. */
export interface WorkEnd {
  readonly error?: { readonly code: string; readonly message: string };
  readonly canceled?: boolean;
}

export const endOf = ({ workRequestFails, workRequestCanceled }: Fate): WorkEnd => ({
  ...(workRequestFails === undefined ? {} : { error: workRequestFails }),
  ...(workRequestCanceled === undefined ? {} : { canceled: true }),
});

/** Whether the work request ends without what it was for. */
export const isInVain = ({ error, canceled }: WorkEnd): boolean =>
  error !== undefined || canceled === true;
