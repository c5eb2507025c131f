// Says in git what a loop found and did, when git does not say it already.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { digestOfStatuses } from "@muster/core/report/status";
import { Store } from "@muster/core/store/store";
import type { Plan } from "@muster/core/words/plan";
import type { Git } from "./git.ts";
import type { Memory } from "./loop-memory.ts";
import { publishRun, type PublishedRun, type PublishRunRequest } from "./publish-run.ts";
import type { RunError } from "./run.ts";

export interface Saying extends Pick<PublishRunRequest, "lease" | "held" | "move"> {
  readonly options: Omit<PublishRunRequest["options"], "run">;
  readonly run: string;
  readonly plans: ReadonlyArray<Plan>;
}

/** Nothing when git says everything already, or when the first tick has not come. */
export const sayNews = Effect.fnUntraced(function* (
  memory: Memory,
  saying: Saying,
): Effect.fn.Return<PublishedRun | null, RunError, Git | Store | Scope.Scope> {
  const { sighting } = memory;
  // What was done before a faulty commit is said all the same.
  const { documents } = memory;
  if (sighting === null || documents === null) return null;
  const store = yield* Store;
  const audit = (yield* store.auditHead).hash;
  const isSaid =
    !memory.news &&
    memory.said?.status === sighting.status &&
    memory.said.audit === audit &&
    memory.said.statuses === memory.statuses &&
    memory.said.documents === documents;
  if (isSaid) return null;
  const { news } = memory;
  // What is told from here on may not be in it.
  memory.news = false;
  const records = yield* store.load(saying.options.owner).pipe(keepingNews(memory));
  const published = yield* publishRun({
    options: { ...saying.options, run: saying.run },
    sighting,
    said: {
      documents,
      statuses: records.filter((record) => record._tag === "Status"),
      plans: saying.plans.map(({ digest }) => digest),
    },
    lease: saying.lease,
    held: saying.held,
    move: saying.move,
    quiet: !news,
  }).pipe(keepingNews(memory));
  memory.sighting = {
    ...sighting,
    status: published?.status ?? sighting.status,
    audit: published?.auditCommit ?? sighting.audit,
  };
  const statuses = digestOfStatuses(records);
  Object.assign(memory, {
    statuses,
    said: { status: memory.sighting.status, audit, statuses, documents },
  });
  return published;
});

/** What could not be said is still news. */
const keepingNews =
  (memory: Memory) =>
  <A, E, R>(saying: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.onError(saying, () =>
      Effect.sync(() => {
        memory.news = true;
      }),
    );
