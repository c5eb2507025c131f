// Carries out one plan: for each change intent, look again, act, read back, outcome. Never more than planned.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import type { LeaseError } from "../lease/lease.ts";
import { attributes, metrics, spans } from "../report/telemetry.ts";
import { count, timed, traced, type Traced } from "../report/trace.ts";
import type { StoreError } from "../store/store.ts";
import { formatMember } from "../words/member.ts";
import type {
  Change,
  CreateChange,
  ForgetChange,
  Plan,
  Refusal,
  SettleChange,
} from "../words/plan.ts";
import type { Handler, ProviderError } from "../words/provider.ts";
import { escapeText } from "../words/quote.ts";
import {
  type DocumentRecord,
  type AppliedRecord,
  type BurialRecord,
  type ExhaustionRecord,
  type IntentRecord,
  recordKey,
  type RemovalRecord,
  type StoreRecord,
} from "../words/record.ts";
import type { Expansion } from "../words/set.ts";
import * as Act from "./act.ts";
import * as Journal from "./journal.ts";
import type { Event, Outcome } from "./outcome.ts";
import { type Learned, type Pace, paceOf } from "./retry.ts";
import type { Write, Writer } from "./writer.ts";

export interface ApplyContext {
  readonly handler: Handler;
  readonly expansion: Expansion;
  readonly mandate: Journal.Mandate;
  readonly pace: Pace;
  readonly writer: Writer;
  readonly mayWrite: Effect.Effect<void, LeaseError>;
  /** Asked before each change: why it may not begin any more. What was begun goes on. */
  readonly mayBegin: Effect.Effect<Refusal | null, StoreError>;
  /** How long an unasked removal counts, in milliseconds. */
  readonly removalWindowMillis: number;
  /** How long a list may show what has ended, in milliseconds. */
  readonly listLagMillis: number;
  /** What the store held of this document when the plan was made. */
  readonly records: ReadonlyArray<StoreRecord>;
  /** How many members the numbers stand for, by set; goes down with each asked removal. */
  readonly consent: Map<string, AppliedRecord>;
  /** How long its changes took so far, by action. */
  readonly learned: Learned;
  readonly onEvent: (event: Event) => Effect.Effect<void>;
}

type Failure = StoreError | LeaseError;

/** Nothing new is launched once one launch was refused for a reason that will not pass by itself. */
interface Halt {
  reason: Outcome | null;
}

/**
 * The outcomes of all changes but `keep`, in the order of the plan. Fails only when the store or
 * the lease does: then nothing further may be done, and what was begun stands in the journal.
 */
export const applyPlan = (
  context: ApplyContext,
  plan: Plan,
): Effect.Effect<ReadonlyArray<Outcome>, Failure> =>
  carryOutPlan(context, plan).pipe(
    traced(spans.apply, {
      attributes: { ...aboutDocument(plan), [attributes.planDigest]: plan.digest },
    }),
  );

const carryOutPlan = Effect.fnUntraced(function* (
  context: ApplyContext,
  plan: Plan,
): Effect.fn.Return<ReadonlyArray<Outcome>, Failure> {
  const halt: Halt = { reason: null };
  const of = <A extends Change["action"]>(...actions: ReadonlyArray<A>) =>
    plan.changes.filter((change): change is Extract<Change, { action: A }> =>
      (actions as ReadonlyArray<string>).includes(change.action),
    );
  const { parallel } = plan;
  const run = (changes: ReadonlyArray<Journal.Act>, concurrency: number) =>
    Effect.forEach(changes, (change) => runAct(context, plan, change, halt), { concurrency });

  const settled = yield* Effect.forEach(of("settle"), (change) =>
    tracedChange(plan, change, settle(context, plan, change)),
  );
  const marked = yield* run(of("update", "adopt"), parallel.create);
  const created = yield* run(of("create"), parallel.create);
  const removed = yield* run(of("remove"), parallel.remove);
  const before = [...settled, ...marked, ...created, ...removed];
  const forgotten = before.every((outcome) => outcome.result === "done")
    ? yield* Effect.forEach(of("forget"), (change) =>
        tracedChange(plan, change, forget(context, plan, change)),
      )
    : [];
  return [...before, ...forgotten];
});

const runAct = (
  context: ApplyContext,
  plan: Plan,
  change: Journal.Act,
  halt: Halt,
): Effect.Effect<Outcome, Failure> =>
  tracedChange(plan, change, runChange(context, plan, change, halt));

const runChange = Effect.fnUntraced(function* (
  context: ApplyContext,
  plan: Plan,
  change: Journal.Act,
  halt: Halt,
): Effect.fn.Return<Outcome, Failure> {
  if (change.action === "create" && halt.reason !== null) {
    return yield* finish(context, skipped(plan, change, halt.reason));
  }
  const refusal = yield* context.mayBegin;
  if (refusal !== null) return yield* finish(context, held(plan, change, refusal));
  const at = yield* now;
  const intent = Journal.intentRecord(context.mandate, plan.document, plan.digest, change, at);
  yield* context.writer.write(openIntent(context, plan, change, intent));
  yield* context.onEvent({ type: "started", document: plan.document, change });
  const outcome = yield* act(context, plan, change, intent).pipe(
    Effect.onExit((exit) =>
      Exit.hasInterrupts(exit) ? noteInterruption(context, plan, change) : Effect.void,
    ),
  );
  if (change.action === "create" && endsLaunching(outcome)) halt.reason = outcome;
  return yield* finish(context, outcome);
});

const openIntent = (
  context: ApplyContext,
  plan: Plan,
  change: Journal.Act,
  intent: IntentRecord,
): Write => ({
  puts: [
    intent,
    ...(change.action === "remove" ? Journal.removalRecord(plan.document, change, intent.at) : []),
  ],
  deletes: expired(context, intent.at),
  audit: [Journal.intentEntry(context.mandate, plan.document, plan.digest, change, intent.at)],
});

/**
 * What left the sliding window long ago limits nothing any more, and what was buried long ago no
 * list shows: twice the time, since another's clock may have written it.
 */
const expired = (context: ApplyContext, at: string): ReadonlyArray<string> => {
  const before = (millis: number) => new Date(Date.parse(at) - 2 * millis).toISOString();
  const limits = {
    Removal: before(context.removalWindowMillis),
    Burial: before(context.listLagMillis),
  };
  return context.records
    .filter((record) => record._tag === "Removal" || record._tag === "Burial")
    .filter(({ _tag, at: then }) => then < limits[_tag])
    .map(recordKey);
};

const act = Effect.fnUntraced(function* (
  context: ApplyContext,
  plan: Plan,
  change: Journal.Act,
  intent: IntentRecord,
): Effect.fn.Return<Outcome, Failure> {
  const stage = stageOf(context, plan, intent);
  const acted = yield* carryOut(stage, change).pipe(
    Effect.catchTag("ProviderError", (error) =>
      Effect.succeed({ outcome: failed(plan, change, error, stage.sent), id: null }),
    ),
  );
  const at = yield* now;
  yield* context.writer.write(closeIntent(context, plan, change, intent, acted, at));
  return acted.outcome;
});

const carryOut = (
  stage: Act.Stage,
  change: Journal.Act,
): Effect.Effect<Act.Acted, ProviderError | Failure> => {
  switch (change.action) {
    case "create":
      return Act.create(stage, change);
    case "remove":
      return Act.remove(stage, change);
    case "update":
    case "adopt":
      return Act.mark(stage, change);
  }
};

const stageOf = (context: ApplyContext, plan: Plan, intent: IntentRecord): Act.Stage => ({
  document: plan.document,
  expansion: context.expansion,
  owner: context.mandate.owner,
  handler: context.handler,
  pace: paceOf(context.handler, context.pace),
  learned: context.learned,
  mayWrite: context.mayWrite,
  sent: { write: false, unanswered: false, accepted: false },
  onProgress: (change, detail) =>
    context.onEvent({ type: "progress", document: plan.document, change, detail }),
  onAccepted: (_change: CreateChange, id: string) =>
    context.writer.write({ puts: [{ ...intent, target: id }] }),
});

/** An unknown outcome leaves its intent open: the successor reads it back before it plans. */
const closeIntent = (
  context: ApplyContext,
  plan: Plan,
  change: Journal.Act,
  intent: IntentRecord,
  acted: Act.Acted,
  at: string,
): Write => {
  const { outcome } = acted;
  const audit = [Journal.outcomeEntry(context.mandate, plan.digest, outcome, at)];
  if (outcome.result === "unknown") return { audit };
  return {
    audit,
    puts: [
      ...memberAfter(plan, change, acted, at),
      ...burialAfter(change, acted, at),
      ...exhaustionAfter(change, outcome, at),
      ...(outcome.result === "done" ? lessConsent(context, intent) : []),
    ],
    deletes: [recordKey(intent), ...obsolete(change, outcome)],
  };
};

/** What ended is shown by a lagging list for a while, and its slot may have another by then. */
const burialAfter = (
  change: Journal.Act,
  { outcome, id, died }: Act.Acted,
  at: string,
): ReadonlyArray<BurialRecord> => {
  const hasEnded = died === true || (change.action === "remove" && outcome.result === "done");
  return hasEnded && id !== null ? [Journal.burialRecord(outcome.document, id, at)] : [];
};

/** Where there was no capacity, others come first for a while. */
const exhaustionAfter = (
  change: Journal.Act,
  { document: { kind, name }, code }: Outcome,
  at: string,
): ReadonlyArray<ExhaustionRecord> => {
  if (change.action !== "create" || code !== "Exhausted") return [];
  const { set } = change.member;
  return [{ _tag: "Exhaustion", document: { kind, name }, set, place: change.place, at }];
};

/** A removal that was asked for uses up its part of the consent, and no second one can. */
const lessConsent = (context: ApplyContext, intent: IntentRecord): ReadonlyArray<AppliedRecord> => {
  const level = context.consent.get(intent.member.set);
  if (!intent.asked || intent.replaced === true || level === undefined || level.count === 0)
    return [];
  const less = { ...level, count: level.count - 1 };
  context.consent.set(intent.member.set, less);
  return [less];
};

const memberAfter = (
  plan: Plan,
  change: Journal.Act,
  { outcome, id, died }: Act.Acted,
  at: string,
): ReadonlyArray<StoreRecord> => {
  const record = (alive: boolean) => [
    Journal.memberRecord(plan.document, change.member, id, alive, at),
  ];
  if (died === true) return record(false);
  if (outcome.result !== "done") return [];
  return record(change.action !== "remove");
};

/** What the outcome makes untrue: a place that had no room, a fulfilled wish, a removal that was none. */
const obsolete = (change: Journal.Act, outcome: Outcome): ReadonlyArray<string> => {
  const { kind, name } = outcome.document;
  const isDone = outcome.result === "done";
  if (change.action === "create") {
    return isDone ? [`Exhaustion/${kind}/${name}/${change.member.set}/${change.place}`] : [];
  }
  const tag = change.action === "adopt" ? "Adoption" : "Removal";
  return (tag === "Adoption") === isDone ? [`${tag}/${kind}/${name}/${change.id}`] : [];
};

const settle = Effect.fnUntraced(function* (
  context: ApplyContext,
  plan: Plan,
  change: SettleChange,
): Effect.fn.Return<Outcome, Failure> {
  const intent = context.records.find(
    (record): record is IntentRecord => record._tag === "Intent" && record.id === change.intent,
  );
  const outcome = done(plan, change, change.reason.text);
  const at = yield* now;
  yield* context.writer.write({
    puts: intent === undefined ? [] : settled(context, intent, change, at),
    deletes: [`Intent/${change.intent}`, ...fulfilled(intent, change)],
    audit: [Journal.outcomeEntry(context.mandate, plan.digest, outcome, at)],
  });
  return yield* finish(context, outcome);
});

/** A wish that came true is gone: read again later, it would take the member from its next owner. */
const fulfilled = (
  intent: IntentRecord | undefined,
  change: SettleChange,
): ReadonlyArray<string> => {
  if (intent?.action !== "adopt" || change.outcome !== "done") return [];
  return [`Adoption/${intent.document.kind}/${intent.document.name}/${intent.target}`];
};

const settled = (
  context: ApplyContext,
  intent: IntentRecord,
  change: SettleChange,
  at: string,
): ReadonlyArray<StoreRecord> => [
  ...memberFound(intent, change, at),
  ...(intent.action === "remove" && change.outcome === "done" && change.id !== null
    ? [Journal.burialRecord(intent.document, change.id, at)]
    : []),
  ...(change.outcome === "done" ? lessConsent(context, intent) : []),
];

const memberFound = (
  intent: IntentRecord,
  change: SettleChange,
  at: string,
): ReadonlyArray<StoreRecord> => {
  const record = (alive: boolean) => [
    Journal.memberRecord(intent.document, intent.member, change.id, alive, at),
  ];
  if (intent.action === "create") {
    if (change.outcome === "done") return record(true);
    // Seen dead: its generation is spent. Never seen at all: it is not.
    return change.id === null ? [] : record(false);
  }
  if (intent.action === "remove") return change.outcome === "done" ? record(false) : [];
  return change.outcome === "done" ? record(true) : [];
};

const forget = Effect.fnUntraced(function* (
  context: ApplyContext,
  plan: Plan,
  change: ForgetChange,
): Effect.fn.Return<Outcome, Failure> {
  const at = yield* now;
  const about = context.records.filter(
    (record) =>
      "document" in record &&
      record.document.kind === change.document.kind &&
      record.document.name === change.document.name,
  );
  const outcome = done(plan, change, change.reason.text);
  const audit = [Journal.outcomeEntry(context.mandate, plan.digest, outcome, at)];
  if (change.how === "drop") {
    yield* context.writer.write({
      puts: inherited(plan, change, about),
      deletes: about.map(recordKey),
      audit,
    });
  } else {
    const documents = about.filter(
      (record): record is DocumentRecord => record._tag === "Document",
    );
    const puts = documents.map((record) => ({ ...record, orphanedAt: at }));
    yield* context.writer.write({ puts, audit });
  }
  return yield* finish(context, outcome);
});

/** A new name is no new hour: what was removed unasked under the old one still counts. */
const inherited = (
  plan: Plan,
  change: ForgetChange,
  about: ReadonlyArray<StoreRecord>,
): ReadonlyArray<StoreRecord> =>
  plan.document.name === change.document.name
    ? []
    : about
        .filter((record): record is RemovalRecord => record._tag === "Removal")
        .map((record) => ({ ...record, document: plan.document }));

const noteInterruption = (context: ApplyContext, plan: Plan, change: Change): Effect.Effect<void> =>
  Effect.gen(function* () {
    const at = yield* now;
    const outcome: Outcome = {
      document: plan.document,
      change,
      result: "unknown",
      code: "Interrupted",
      message: "it was interrupted; the intent stays open",
      remedy: null,
    };
    yield* context.writer.write({
      audit: [Journal.outcomeEntry(context.mandate, plan.digest, outcome, at)],
    });
    yield* context.onEvent({ type: "finished", outcome });
    // The open intent already tells the truth; failing to add a word to it must not hide why we stop.
  }).pipe(Effect.ignore);

const finish = (context: ApplyContext, outcome: Outcome): Effect.Effect<Outcome> =>
  Effect.as(context.onEvent({ type: "finished", outcome }), outcome);

const aboutDocument = ({ document }: Plan) => ({
  [attributes.documentKind]: document.kind,
  [attributes.documentName]: document.name,
});

/** One span, one count and one duration for each change. */
const tracedChange = (
  plan: Plan,
  change: Change,
  carriedOut: Effect.Effect<Outcome, Failure>,
): Effect.Effect<Outcome, Failure> =>
  carriedOut.pipe(
    Effect.tap((outcome) => count(metrics.changes, labelsOf(outcome))),
    timed(metrics.changeDuration, (exit) =>
      Exit.isSuccess(exit)
        ? labelsOf(exit.value)
        : { [attributes.action]: change.action, [attributes.result]: "interrupted" },
    ),
    traced(`${spans.change} ${change.action}`, aboutChange(plan, change)),
  );

const labelsOf = ({ change, result }: Outcome) => ({
  [attributes.action]: change.action,
  [attributes.result]: result,
});

const aboutChange = (plan: Plan, change: Change): Traced<Outcome> => ({
  attributes: {
    ...aboutDocument(plan),
    [attributes.action]: change.action,
    [attributes.reason]: change.reason.code,
    ...("member" in change ? { [attributes.member]: formatMember(change.member) } : {}),
  },
  tells: ({ result }) => ({ [attributes.result]: result }),
  faultOf: ({ result, code, message }) =>
    result === "done" ? null : { type: code ?? result, message },
});

const endsLaunching = (outcome: Outcome): boolean =>
  outcome.code === "Exhausted" || outcome.code === "Denied" || outcome.code === "Invalid";

const failed = (plan: Plan, change: Change, error: ProviderError, sent: Act.Sent): Outcome => {
  const result = resultOf(error, sent);
  return {
    document: plan.document,
    change,
    result,
    code: error.reason,
    message: escapeText(`${error.operation}: ${error.message}${requestOf(error)}`, 1_000),
    remedy: escapeText(error.remedy ?? usualRemedy[result], 1_000),
  };
};

/** The server's identifier of the request: who runs the server asks for it. */
const requestOf = ({ requestId }: ProviderError): string =>
  requestId === undefined ? "" : ` (request ${requestId})`;

/** What is true of every failure that the provider knows no remedy for. */
const usualRemedy = {
  unknown: "the next run reads back what came of it, and goes on from there",
  failed: "it is tried again at the next run",
  stale: "the next run looks again and plans anew",
} as const;

/** An answer that never came leaves open what the request did, if one was sent at all. */
const resultOf = (error: ProviderError, sent: Act.Sent): keyof typeof usualRemedy => {
  if (sent.accepted || (error.reason === "Unreachable" && sent.write)) return "unknown";
  return error.reason === "Conflict" ? "stale" : "failed";
};

const skipped = (plan: Plan, change: Change, because: Outcome): Outcome => ({
  document: plan.document,
  change,
  result: "skipped",
  code: "Halted",
  message: `not tried after: ${because.message}`,
  remedy: because.remedy,
});

/** Nobody failed: somebody said that it may not begin. */
const held = (plan: Plan, change: Change, { reason, remedy }: Refusal): Outcome => ({
  document: plan.document,
  change,
  result: "skipped",
  code: "Held",
  message: reason.text,
  remedy,
});

const done = (plan: Plan, change: Change, message: string): Outcome => ({
  document: plan.document,
  change,
  result: "done",
  code: null,
  message,
  remedy: null,
});

const now = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis).toISOString());
