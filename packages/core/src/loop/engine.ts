// Keeps the documents of one environment between ticks: who is worked on, who waits, and under which lease.
//
// A tick looks at what is idle and due, begins work on what needs it and does not wait for its end, so
// a slow launch of one document holds up no other. All work between the first claim and the last end
// stands under one lease: a session.

import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Option from "effect/Option";
import * as Random from "effect/Random";
import * as Result from "effect/Result";
import * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import type { Outcome } from "../apply/outcome.ts";
import type { HeldLease, Lease } from "../lease/lease.ts";
import { historyNews } from "../report/history.ts";
import { digestOfStatuses } from "../report/status.ts";
import { underRun } from "../report/trace.ts";
import { Store } from "../store/store.ts";
import { sameJson } from "../words/canonical.ts";
import { compareText } from "../words/diagnostic.ts";
import { type Document, type DocumentAddress, formatAddress } from "../words/document.ts";
import { oncePer } from "../words/once.ts";
import type { Plan, Refusal } from "../words/plan.ts";
import { type LookAgain, makeLookAgain } from "./again.ts";
import { conclude } from "./conclude.ts";
import { type Failure, type Fence, openFence } from "./fence.ts";
import type { TurnInput } from "./input.ts";
import {
  isDue,
  type Ladder,
  type Standing,
  standingAfter,
  type Trouble,
  troubleOf,
} from "./ladder.ts";
import { type Look, look, type Unit } from "./look.ts";
import { hasWork, type Worked, workOn } from "./unit.ts";
import { unitsAtOnce } from "./units.ts";

export interface EngineOptions {
  readonly ladder: Ladder;
  /** Told when work on a document has ended, however. */
  readonly onEnded: (ended: Ended) => Effect.Effect<unknown>;
  /** Told when a look alone brought trouble to a document, or found it over. */
  readonly onStanding: (document: DocumentAddress, standing: Standing) => Effect.Effect<unknown>;
}

/** How work on one document ended. */
export interface Ended {
  readonly document: DocumentAddress;
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly standing: Standing | null;
  /** The store or the lease failed: then the whole session has to end. */
  readonly failure: Failure | null;
}

export interface Ticked {
  readonly looked: number;
  readonly begun: number;
  /** Whether the store was told anything. */
  readonly news: boolean;
  /** Digest of the statuses that the store held when it was looked at; null when it was not. */
  readonly statuses: string | null;
}

/** One document, as the engine keeps it. */
export interface UnitState extends Standing {
  readonly document: string;
  readonly busy: boolean;
}

/** What was done under one lease so far. */
export interface Session {
  readonly run: string;
  readonly plans: ReadonlyArray<Plan>;
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly failure: Failure | null;
}

export interface Engine {
  /** Fails when the store or the lease does; what was begun before goes on. */
  readonly tick: (
    input: TurnInput,
    documents: ReadonlyArray<Document>,
  ) => Effect.Effect<Ticked, Failure, Store | Lease>;
  /** How many documents are worked on. */
  readonly busy: () => number;
  readonly session: () => Session | null;
  readonly held: () => HeldLease | null;
  readonly units: () => ReadonlyArray<UnitState>;
  /** From now on no change begins, and why; what was begun goes on to its end. */
  readonly drain: (refusal: Refusal) => void;
  /** Makes every document due at the next tick. */
  readonly hurry: () => void;
  /** Ends all work at once; its intents stay open for a successor. */
  readonly interrupt: Effect.Effect<void>;
  /** Remembers the run, lets `publish` speak under the lease, and lets the lease go. */
  readonly end: <A, E, R>(
    publish: Effect.Effect<A, E, R>,
  ) => Effect.Effect<A | null, E | Failure, R | Store>;
}

interface OpenSession extends Session {
  readonly scope: Scope.Closeable;
  readonly fence: Fence;
  readonly input: TurnInput;
  readonly began: number;
  readonly busy: Map<string, Fiber.Fiber<void>>;
  readonly plans: Array<Plan>;
  readonly left: Array<Plan>;
  readonly outcomes: Array<Outcome>;
  failure: Failure | null;
}

/** Its work and its lease end with the scope at the latest. */
export const makeEngine = Effect.fnUntraced(function* (
  options: EngineOptions,
): Effect.fn.Return<Engine, never, Scope.Scope> {
  const parent = yield* Effect.scope;
  const permits = yield* Semaphore.make(unitsAtOnce);
  const standings = new Map<string, Standing>();
  let asked: ReadonlyMap<string, string> = new Map();
  let current: OpenSession | null = null;
  let draining: Refusal | null = null;

  const isBusy = (address: string): boolean => current?.busy.has(address) ?? false;

  const open = Effect.fnUntraced(function* (input: TurnInput) {
    const fence = yield* openFence(input);
    const session: OpenSession = {
      run: input.mandate.run,
      scope: yield* Scope.fork(parent),
      fence,
      input,
      began: yield* Clock.currentTimeMillis,
      busy: new Map(),
      plans: [],
      left: [],
      outcomes: [],
      failure: null,
    };
    current = session;
    return session;
  });

  const close = (session: OpenSession): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (current === session) current = null;
      return Scope.close(session.scope, Exit.void);
    });

  /** What was planned is not what is asked any more, or nobody may begin anything. */
  const mayBegin: NonNullable<TurnInput["mayBegin"]> = ({ document, inputDigest }) => {
    if (draining !== null) return draining;
    return (asked.get(formatAddress(document)) ?? null) === inputDigest ? null : superseded;
  };

  const note = Effect.fnUntraced(function* (
    address: string,
    seen: { readonly inputDigest: string | null; readonly trouble: Trouble | null },
  ) {
    const now = yield* Clock.currentTimeMillis;
    const dice = yield* Random.next;
    const before = standings.get(address);
    const standing = standingAfter(before, seen, now, options.ladder, dice);
    if (!sameJson(standing, before)) standings.set(address, standing);
    return standing;
  });

  /** One document to its end, whatever that is. */
  const work = Effect.fnUntraced(function* (
    session: OpenSession,
    input: TurnInput,
    unit: Unit,
    again: LookAgain,
  ) {
    const held = yield* session.fence.claim;
    // What was planned before others let it through may be about a world of before.
    const waits = session.busy.size > unitsAtOnce;
    const begin = waits ? again(unit.plan.document) : Effect.succeed(unit);
    const worked = yield* Effect.raceFirst(
      permits.withPermits(1)(
        Effect.flatMap(begin, (now) =>
          now === undefined
            ? Effect.succeed<Worked>({ unit: undefined, outcomes: [] })
            : workOn(input, session.fence, held, now, again),
        ),
      ),
      held.lost,
    );
    yield* conclude(input, concludedOf(unit, worked), session.fence);
    return worked;
  });

  const begin = (session: OpenSession, input: TurnInput, unit: Unit, again: LookAgain) => {
    const { document, inputDigest } = unit.plan;
    const address = formatAddress(document);
    const ended = Effect.fnUntraced(function* (exit: Exit.Exit<Worked, Failure>) {
      const outcomes = Exit.isSuccess(exit) ? exit.value.outcomes : [];
      const failure = failureOf(exit);
      if (failure !== null) session.failure ??= failure;
      session.outcomes.push(...outcomes);
      session.plans.push(unit.plan);
      const last = Exit.isSuccess(exit) ? exit.value.unit?.plan : undefined;
      if (last !== undefined) session.left.push(last);
      const trouble = Exit.isSuccess(exit) ? troubleOf(last, outcomes) : defectOf(exit);
      const standing =
        Exit.isSuccess(exit) || trouble !== null
          ? yield* note(address, { inputDigest, trouble })
          : null;
      session.busy.delete(address);
      yield* options.onEnded({ document, outcomes, standing, failure });
    });
    return Effect.interruptible(underRun(work(session, input, unit, again))).pipe(
      Scope.provide(session.scope),
      Effect.onExit(ended),
      // Told already; the session ends with it.
      Effect.exit,
      Effect.asVoid,
      // Cut off before its first step it would else never have ended, and be busy for ever.
      Effect.forkIn(session.scope, { uninterruptible: true }),
      Effect.map((fiber) => session.busy.set(address, fiber)),
    );
  };

  const lookAtDue = Effect.fnUntraced(function* (
    input: TurnInput,
    documents: ReadonlyArray<Document>,
  ) {
    const now = yield* Clock.currentTimeMillis;
    asked = inputsOf(documents);
    // Who ends during the look was not looked at.
    const busy = new Set(current?.busy.keys());
    // Its members come along from there, once nobody launches any more under that name.
    for (const { kind, name, previousName } of documents) {
      if (previousName !== undefined && isBusy(formatAddress({ kind, name: previousName }))) {
        busy.add(formatAddress({ kind, name }));
      }
    }
    const isMeant = (document: DocumentAddress): boolean => {
      const address = formatAddress(document);
      return (
        !busy.has(address) &&
        isDue(standings.get(address), asked.get(address) ?? null, now, options.ladder)
      );
    };
    const seen = yield* look(input, documents, 1, isMeant);
    forgetStandings(standings, asked, seen, isBusy);
    return { seen, isMeant };
  });

  const sessionTick = Effect.fnUntraced(function* (
    session: OpenSession,
    given: TurnInput,
    documents: ReadonlyArray<Document>,
  ) {
    const { fence } = session;
    const input = { ...given, mayBegin };
    if (fence.held() !== null && input.first !== undefined) yield* fence.writer.write(input.first);
    const { seen, isMeant } = yield* lookAtDue(input, documents);
    const [idle, due] = partition(seen.units, (unit) => draining === null && hasWork(input)(unit));
    const records = seen.records.filter(
      (record) => !("document" in record) || isMeant(record.document),
    );
    // What has work is told as well: its end may be far.
    const { news } = yield* conclude(
      input,
      { units: seen.units, records, outcomes: [] },
      fence,
    ).pipe(Scope.provide(session.scope));
    for (const { plan } of idle) {
      const { inputDigest } = plan;
      const trouble = troubleOf(plan, []);
      const before = standings.get(formatAddress(plan.document))?.trouble ?? null;
      const standing = yield* note(formatAddress(plan.document), { inputDigest, trouble });
      if (standing.trouble !== before) yield* options.onStanding(plan.document, standing);
    }
    if (due.length > 0) {
      // Taken here, so that a lease that another runner holds ends the tick and not each document.
      yield* Scope.provide(fence.claim, session.scope);
      const again = yield* makeLookAgain(input, documents);
      for (const unit of due) yield* begin(session, input, unit, again);
    }
    return {
      looked: seen.units.length,
      begun: due.length,
      news: news || due.length > 0,
      statuses: digestOfStatuses(seen.records),
    };
  });

  return {
    tick: Effect.fn("tick")(function* (input, documents) {
      const session = current ?? (yield* open(input));
      return yield* sessionTick(session, input, documents).pipe(
        Effect.onExit((exit) =>
          session.busy.size === 0 && (Exit.isFailure(exit) || session.fence.held() === null)
            ? Effect.ensuring(Effect.ignore(remember(session)), close(session))
            : Effect.void,
        ),
      );
    }),
    busy: () => current?.busy.size ?? 0,
    session: () => current,
    held: () => current?.fence.held() ?? null,
    units: () => {
      const documents = new Set([
        ...asked.keys(),
        ...standings.keys(),
        ...(current?.busy.keys() ?? []),
      ]);
      return [...documents].sort(compareText).map((document) => ({
        document,
        ...(standings.get(document) ?? newcomer),
        busy: isBusy(document),
      }));
    },
    drain: (refusal) => {
      draining = refusal;
    },
    hurry: () => {
      for (const [address, standing] of standings) {
        standings.set(address, { ...standing, dueAt: 0 });
      }
    },
    interrupt: Effect.suspend(() => Fiber.interruptAll([...(current?.busy.values() ?? [])])),
    end: <A, E, R>(publish: Effect.Effect<A, E, R>) =>
      Effect.suspend((): Effect.Effect<A | null, E | Failure, R | Store> => {
        const session = current;
        if (session === null) return Effect.succeed(null);
        return Effect.gen(function* () {
          if (session.failure !== null) return yield* Effect.fail(session.failure);
          yield* remember(session);
          return yield* publish;
        }).pipe(Effect.ensuring(close(session)));
      }),
  };
});

/** Input digests by address; the documents of one reading stay the same. */
const inputsOf = oncePer(
  (documents: ReadonlyArray<Document>): ReadonlyMap<string, string> =>
    new Map(documents.map((one) => [formatAddress(one), one.inputDigest])),
);

/** How a document stands that was not concluded yet. */
const newcomer: Standing = {
  inputDigest: null,
  failures: 0,
  trouble: null,
  remedy: null,
  dueAt: 0,
};

const superseded: Refusal = {
  reason: { code: "Superseded", text: "the document asks for something else by now" },
  remedy: "nothing to do: the next tick plans what is asked now",
};

const concludedOf = (before: Unit, { unit, outcomes }: Worked) => ({
  units: unit === undefined ? [] : [unit],
  records: (unit ?? before).records,
  outcomes,
});

const failureOf = (exit: Exit.Exit<unknown, Failure>): Failure | null => {
  if (Exit.isSuccess(exit)) return null;
  return Option.getOrNull(Cause.findErrorOption(exit.cause));
};

/** A fault in muster keeps one document from its work, and no other. */
const defectOf = (exit: Exit.Failure<unknown, Failure>): Trouble | null => {
  const defect = Cause.findDefect(exit.cause);
  if (!Result.isSuccess(defect)) return null;
  const remedy = "this is a fault in muster: please report it";
  return { text: `internal error: ${String(defect.success)}`, remedy };
};

/** Documents of which nothing is left have no standing either. */
const forgetStandings = (
  standings: Map<string, Standing>,
  asked: ReadonlyMap<string, string>,
  seen: Look,
  isBusy: (address: string) => boolean,
): void => {
  const units = new Set(seen.units.map(({ plan }) => formatAddress(plan.document)));
  for (const [address, standing] of standings) {
    const waits = standing.dueAt > 0 && standing.inputDigest === null;
    if (!asked.has(address) && !units.has(address) && !isBusy(address) && !waits) {
      standings.delete(address);
    }
  }
};

/** A run that did something is remembered, under the lease that it was done under. */
const remember = Effect.fnUntraced(function* (
  session: OpenSession,
): Effect.fn.Return<void, Failure, Store> {
  if (session.outcomes.length === 0) return;
  const store = yield* Store;
  const { mandate, policy, trace } = session.input;
  yield* session.fence.writer.write(
    historyNews({
      run: session.run,
      holder: mandate.actor.claimed ?? "",
      revision: mandate.revision,
      trace: trace ?? null,
      at: new Date(session.began).toISOString(),
      endedAt: new Date(yield* Clock.currentTimeMillis).toISOString(),
      plans: session.plans,
      left: session.left,
      outcomes: session.outcomes,
      records: yield* store.load(policy.owner),
    }),
  );
});

const partition = <A>(
  items: ReadonlyArray<A>,
  isRight: (item: A) => boolean,
): readonly [ReadonlyArray<A>, ReadonlyArray<A>] => [
  items.filter((item) => !isRight(item)),
  items.filter(isRight),
];
