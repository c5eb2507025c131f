// Takes a fleet through a journey of several commits and kills the run at a chosen point on the way.

import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import { effectiveChanges } from "@muster/core/words/plan";
import { crashingStore, decorateHandler, makeCrashPoints } from "../store/crash.ts";
import { journalledMemory } from "../store/journalled-memory.ts";
import { type FakeCloud, makeFakeCloud } from "./fake-cloud.ts";
import { type FakeDocument, fakeTurn } from "./turn.ts";
import { chainFault, makeWitness } from "./witness.ts";

export interface Step {
  readonly documents: ReadonlyArray<FakeDocument>;
  /** What happens to the world before the turn. */
  readonly before?: (cloud: FakeCloud) => void;
  /** How much time passes before it; none when not given. */
  readonly wait?: Duration.Input;
}

export interface Journey {
  readonly name: string;
  readonly steps: ReadonlyArray<Step>;
}

export interface Crash {
  /** The number of the point to die at; nothing to live through all. */
  readonly at?: number;
  /** Whether the successor has the dead run's store, or only the cloud. */
  readonly store: "same" | "empty";
  /** How far lists lag, in virtual milliseconds. */
  readonly listLagMillis: number;
  /** Whether the next commit has come before the successor: it never sees the one of the death. */
  readonly movesOn?: boolean;
}

export interface Survival {
  readonly cloud: FakeCloud;
  /** The points that were passed, and the one that it died at. */
  readonly labels: ReadonlyArray<string>;
  readonly died: string | null;
  /** What went wrong on the way, in words. */
  readonly faults: ReadonlyArray<string>;
  /** The most turns that any step after the crash needed. */
  readonly turns: number;
}

/** A dead run's lease must run out before anybody may take over, in virtual time. */
const betweenTurns = "31 seconds";
const mostTurns = 8;

/** Longer than any list lags here, so that a launch that never was is settled within those turns. */
const policy = { listLagMillis: 120_000 };

/** Walks the journey; after the death a successor starts with the step that it came in. */
export const survive = Effect.fnUntraced(function* (journey: Journey, crash: Crash) {
  const cloud = makeFakeCloud();
  cloud.faults.listLagMillis = crash.listLagMillis;
  const memory = journalledMemory();
  const faults: Array<string> = [];
  const first = yield* memory.reopen;
  const points = yield* makeCrashPoints(
    crash.at === undefined ? { act: "count" } : { act: "interrupt", at: crash.at },
  );
  const witness = makeWitness(cloud.handler, first, "us");
  let store: StoreShape = first;
  let died: string | null = null;
  let turns = 0;
  for (const [index, step] of journey.steps.entries()) {
    if (step.wait !== undefined) yield* TestClock.adjust(step.wait);
    step.before?.(cloud);
    if (died === null) {
      const end = yield* points.run(
        fakeTurn({
          cloud,
          documents: step.documents,
          policy,
          store: crashingStore(first, points),
          handler: decorateHandler(witness.handler, points),
        }),
      );
      if (end._tag === "Ended") {
        if (Exit.isFailure(end.exit))
          faults.push(`an undisturbed turn failed: ${String(end.exit.cause)}`);
        yield* TestClock.adjust(betweenTurns);
        continue;
      }
      died = end.label;
      store = crash.store === "same" ? yield* memory.reopen : makeMemoryStore();
      if (crash.movesOn === true && index < journey.steps.length - 1) continue;
    }
    const settled = yield* settleDown(cloud, store, step.documents);
    faults.push(...settled.faults);
    turns = Math.max(turns, settled.turns);
  }
  const chain = yield* chainFault(store);
  if (chain !== undefined) faults.push(`audit chain: ${chain.text}`);
  faults.push(...witness.unannounced());
  const survival: Survival = { cloud, labels: yield* points.labels, died, faults, turns };
  return survival;
});

/** Turn after turn, with time between, until nothing is left to do. */
export const settleDown = Effect.fnUntraced(function* (
  cloud: FakeCloud,
  store: StoreShape,
  documents: ReadonlyArray<FakeDocument>,
) {
  const witness = makeWitness(cloud.handler, store, "us");
  let left = "no turn ended";
  for (let turns = 1; turns <= mostTurns; turns += 1) {
    const turn = yield* Effect.result(
      fakeTurn({ cloud, store, documents, policy, handler: witness.handler }),
    );
    yield* TestClock.adjust(betweenTurns);
    if (turn._tag === "Failure") {
      left = turn.failure.message;
      continue;
    }
    const open = turn.success.left.flatMap((plan) => [
      ...effectiveChanges(plan).map((change) => `${change.key}: ${change.reason.text}`),
      ...plan.refusals.map((refusal) => refusal.reason.text),
      ...plan.unsettled,
    ]);
    const isQuiet = turn.success.outcomes.length === 0 && open.length === 0;
    if (isQuiet) return { turns, faults: witness.unannounced() };
    left = open.join("; ");
  }
  return { turns: mostTurns, faults: [...witness.unannounced(), `did not settle: ${left}`] };
});

/** Names that were launched more than once. */
export const launchedTwice = (cloud: FakeCloud): ReadonlyArray<string> => {
  const names = cloud
    .mutations()
    .filter((mutation) => mutation.operation === "create")
    .map((mutation) => `${mutation.document}/${mutation.name}`);
  return names.filter((name, index) => names.indexOf(name) !== index);
};

/** The live members of a document, as `name` or `(unmarked)`, sorted. */
export const living = (cloud: FakeCloud, document: string): ReadonlyArray<string> =>
  cloud
    .machines()
    .filter((machine) => machine.document === document && machine.phase !== "gone")
    .map((machine) =>
      machine.name === null
        ? "(unmarked)"
        : `${machine.name.set}-${machine.name.slot}.${machine.name.generation}`,
    )
    .sort();
