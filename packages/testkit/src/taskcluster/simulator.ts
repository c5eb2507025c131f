// Starts and stops a Taskcluster of one's own, and tells what it was asked.

import * as Data from "effect/Data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type SimulatedClient, throwawayClient } from "./clients.ts";
import { type FaultRule, makeFaultTable } from "./faults.ts";
import { makeHawkCheck } from "./hawk.ts";
import { listen } from "./server.ts";
import type { SimulatedWorker } from "./workers.ts";

export interface TaskclusterSimulatorOptions {
  /** Port on 127.0.0.1. Default 0: any free one. */
  readonly port?: number;
  /** Who may call. Default: one throwaway client that may list and get any worker. */
  readonly clients?: ReadonlyArray<SimulatedClient>;
  /** What a caller without credentials may do. Default: nothing. */
  readonly anonymousScopes?: ReadonlyArray<string>;
  /** Default: none. */
  readonly workers?: ReadonlyArray<SimulatedWorker>;
  /** Default: none. */
  readonly faults?: ReadonlyArray<FaultRule>;
  /** Its clock, milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** Most workers of a page. Default 1000. */
  readonly pageSize?: number;
}

/** One request that had a route, in the order of their arrival. */
export interface TaskclusterRequest {
  /** Path and query. */
  readonly target: string;
  readonly authorization: string | undefined;
  /** Who it was; nothing for nobody in particular, or who could not show it. */
  readonly clientId: string | null;
  /** The status that was decided, whatever a fault made of it. */
  readonly status: number;
}

export interface TaskclusterSimulator {
  /** For `TASKCLUSTER_ROOT_URL`. */
  readonly rootUrl: string;
  readonly port: number;
  /** The first of the clients. */
  readonly client: SimulatedClient;
  /** The variables of who asks as that client. */
  readonly env: Readonly<Record<string, string>>;
  readonly requests: () => ReadonlyArray<TaskclusterRequest>;
  /** Bytes that were sent so far, answers that nobody read to their end included. */
  readonly sent: () => number;
  /** From now on these are the workers. */
  readonly setWorkers: (workers: ReadonlyArray<SimulatedWorker>) => void;
  readonly strike: (rule: FaultRule) => void;
  readonly calm: () => void;
  /** Ends when that many requests have come in all. */
  readonly asked: (count: number) => Effect.Effect<void>;
}

/** The port is taken. */
export class TaskclusterSimulatorError extends Data.TaggedError("TaskclusterSimulatorError")<{
  readonly message: string;
}> {}

/** Starts a simulator that ends with the scope. */
export const startTaskcluster = (
  options: TaskclusterSimulatorOptions = {},
): Effect.Effect<TaskclusterSimulator, TaskclusterSimulatorError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.tryPromise({
        try: () => open(options),
        catch: (cause) =>
          new TaskclusterSimulatorError({
            message: `The Taskcluster simulator cannot start: ${
              cause instanceof Error ? cause.message : String(cause)
            }`,
          }),
      }),
      ({ close }) => Effect.promise(close),
    ),
    ({ simulator }) => simulator,
  );

const open = async (options: TaskclusterSimulatorOptions) => {
  const clients = options.clients ?? [throwawayClient()];
  const faults = makeFaultTable(options.faults ?? []);
  const requests: Array<TaskclusterRequest> = [];
  const waiting = new Set<() => void>();
  let workers = options.workers ?? [];
  const { port, sent, close } = await listen(
    {
      clients,
      anonymousScopes: options.anonymousScopes ?? [],
      workers: () => workers,
      faults,
      checkHawk: makeHawkCheck(),
      now: options.now ?? Date.now,
      pageSize: options.pageSize ?? 1_000,
    },
    options.port ?? 0,
    ({ target, authorization }, { answer, clientId }) => {
      requests.push({ target, authorization, clientId, status: answer.status });
      for (const look of waiting) look();
    },
  );
  const rootUrl = `http://127.0.0.1:${port}`;
  const client = clients[0] ?? throwawayClient();
  const simulator: TaskclusterSimulator = {
    rootUrl,
    port,
    client,
    env: {
      TASKCLUSTER_ROOT_URL: rootUrl,
      TASKCLUSTER_CLIENT_ID: client.clientId,
      TASKCLUSTER_ACCESS_TOKEN: client.accessToken,
    },
    requests: () => requests,
    sent,
    setWorkers: (next) => {
      workers = next;
    },
    strike: faults.strike,
    calm: faults.calm,
    asked: (count) =>
      Effect.callback<void>((resume) => {
        const look = (): void => {
          if (requests.length < count) return;
          waiting.delete(look);
          resume(Effect.void);
        };
        waiting.add(look);
        look();
      }),
  };
  return { simulator, close };
};
