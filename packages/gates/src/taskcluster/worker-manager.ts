// Asks Taskcluster's worker-manager for workers: whole lists or none, and one worker by its full name.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { ListedWorker } from "@muster/core/inventory/workers";
import { ProviderError } from "@muster/core/words/provider";
import { quote } from "@muster/core/words/quote";
import { parseTime } from "@muster/core/words/time";
import type { TaskclusterClient } from "./client.ts";

/** One task that a worker took, newest last in a list. */
export interface TaskRun {
  readonly taskId: string;
  readonly runId: number;
}

export interface WorkerDetails extends ListedWorker {
  /** The last 20 at most. */
  readonly recentTasks: ReadonlyArray<TaskRun>;
}

export interface WorkerManager {
  /** Every worker of the pool that was seen within about a day; a part of a list is an error. */
  readonly listWorkers: (
    provisionerId: string,
    workerType: string,
  ) => Effect.Effect<ReadonlyArray<ListedWorker>, ProviderError>;
  /** Nothing when there is no such worker. */
  readonly getWorker: (
    provisionerId: string,
    workerType: string,
    workerGroup: string,
    workerId: string,
  ) => Effect.Effect<WorkerDetails | null, ProviderError>;
}

/** Workers of a page: as many as Taskcluster gives at most. */
export const pageSize = 1_000;
/** Pages of one list: nobody has pools of more workers. */
export const maxPages = 100;

const Identifier = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(128));

const Time = Schema.String.check(
  Schema.makeFilter((text: string) => parseTime(text) !== undefined),
);

const Row = Schema.Struct({
  workerGroup: Identifier,
  workerId: Identifier,
  quarantineUntil: Schema.optionalKey(Schema.NullOr(Time)),
  lastDateActive: Schema.optionalKey(Schema.NullOr(Time)),
});

const Page = Schema.Struct({
  workers: Schema.Array(Row).check(Schema.isMaxLength(pageSize)),
  continuationToken: Schema.optionalKey(
    Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(4_096)),
  ),
});

const Details = Schema.Struct({
  ...Row.fields,
  recentTasks: Schema.Array(Schema.Struct({ taskId: Schema.String, runId: Schema.Int })).check(
    Schema.isMaxLength(1_000),
  ),
});

export const makeWorkerManager = (client: TaskclusterClient): WorkerManager => ({
  listWorkers: Effect.fnUntraced(function* (provisionerId, workerType) {
    yield* checkNames("listWorkers", [provisionerId, workerType]);
    const pool = { provisioner: provisionerId, workerType };
    const call = {
      operation: "listWorkers",
      scope: `worker-manager:list-workers:${provisionerId}/${workerType}`,
      service: "worker-manager",
      path: ["provisioners", provisionerId, "worker-types", workerType, "workers"],
    };
    const rows: Array<typeof Row.Type> = [];
    const tokens = new Set<string>();
    let query: Readonly<Record<string, string>> = { limit: String(pageSize) };
    for (let pages = 0; pages < maxPages; pages += 1) {
      const page = yield* read(Page, call.operation, yield* client.get({ ...call, query }));
      rows.push(...page.workers);
      const token = page.continuationToken;
      if (token === undefined) {
        const now = yield* Clock.currentTimeMillis;
        return rows.map((row) => ({ ...pool, ...workerOf(row, now) }));
      }
      if (tokens.has(token)) return yield* unreadable(call.operation, "its pages go in a circle");
      tokens.add(token);
      query = { limit: String(pageSize), continuationToken: token };
    }
    return yield* unreadable(call.operation, `it has more than ${maxPages} pages`);
  }),
  getWorker: Effect.fnUntraced(function* (provisionerId, workerType, workerGroup, workerId) {
    const named = [provisionerId, workerType, workerGroup, workerId];
    const operation = "getWorker";
    yield* checkNames(operation, named);
    const answer = yield* client.find({
      operation,
      scope: `worker-manager:get-worker:${named.join("/")}`,
      service: "worker-manager",
      path: [
        ...["provisioners", provisionerId, "worker-types", workerType],
        ...["workers", workerGroup, workerId],
      ],
      query: {},
    });
    if (answer === undefined) return null;
    const { recentTasks, ...row } = yield* read(Details, operation, answer);
    const now = yield* Clock.currentTimeMillis;
    return { provisioner: provisionerId, workerType, ...workerOf(row, now), recentTasks };
  }),
});

/** What Taskcluster calls nothing by is not sent to it: it would name another address. */
const checkNames = (
  operation: string,
  names: ReadonlyArray<string>,
): Effect.Effect<void, ProviderError> => {
  const wrong = names.find((name) => !/^[A-Za-z0-9_-]{1,38}$/u.test(name));
  return wrong === undefined
    ? Effect.void
    : Effect.fail(
        new ProviderError({
          reason: "Invalid",
          operation,
          message: `nothing can be called ${quote(wrong)}`,
          remedy: "use 1 to 38 letters, digits, dashes and underscores",
        }),
      );
};

/** A quarantine that is over is none; without the field there never was one. */
const workerOf = (
  { workerGroup, workerId, lastDateActive, quarantineUntil }: typeof Row.Type,
  now: number,
) => ({
  id: workerId,
  group: workerGroup,
  lastActive: lastDateActive ?? null,
  quarantined: (parseTime(quarantineUntil ?? "") ?? Number.NEGATIVE_INFINITY) > now,
});

/** Fields that we do not know are no fault: Taskcluster grows. */
const read = <S extends Schema.Codec<unknown, unknown>>(
  schema: S,
  operation: string,
  answer: unknown,
): Effect.Effect<S["Type"], ProviderError> =>
  Effect.mapError(Schema.decodeUnknownEffect(schema)(answer), () =>
    unreadable(operation, "it is not as the reference says"),
  );

const unreadable = (operation: string, why: string): ProviderError =>
  new ProviderError({
    reason: "Unreachable",
    operation,
    message: `the answer cannot be read: ${why}`,
    remedy:
      "check that TASKCLUSTER_ROOT_URL leads to a Taskcluster that is new enough (v45 or later)",
  });
