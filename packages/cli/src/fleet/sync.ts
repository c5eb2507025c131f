// Makes store and ledger agree with what is discovered, and takes over the fleet's members that have no owner.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import {
  type Change,
  escapeText,
  formatAddress,
  type Outcome,
  type Plan,
  shellWord,
  type StoreRecord,
} from "@muster/core";
import type { Unit } from "@muster/core/loop/look";
import { isConverged } from "@muster/core/report/bookkeeping";
import { FleetFailed } from "@muster/sdk/fleet-contract";
import { noteOf } from "../records.ts";
import { type Adoption, adoptionOf } from "./adoption.ts";
import { answerOf, cameToNothing, type Ended, type OperationError, troubleOf } from "./answer.ts";
import { checkLedger, readLedger, writeLedger } from "./ledger-file.ts";
import { oldLedger } from "./ledger.ts";
import { type Grip, underLease } from "./lease.ts";
import { lookAt } from "./look.ts";
import { reconciled } from "./members.ts";
import { overrideIn } from "./numbers.ts";
import type { Fleet } from "./opened.ts";

export interface SyncAsked {
  readonly by: string;
  readonly reason: string | null;
  readonly dryRun: boolean;
}

/** Asking for it is the consent to adopt; nothing is launched and nothing removed. */
export const syncState = Effect.fnUntraced(function* (
  fleet: Fleet,
  asked: SyncAsked,
): Effect.fn.Return<Ended, OperationError> {
  const seen = yield* lookAt(fleet);
  const barrier = barrierOf(seen.plan);
  if (barrier !== null) return yield* barrier;
  const adoption = yield* adoptionIn(fleet, seen);
  if (asked.dryRun) {
    const lines = tellAdoption(seen.plan, adoption, () => "would join");
    return { ...(yield* told(fleet, seen, lines)), isDryRun: true };
  }
  yield* checkLedger(fleet.ledger);
  return yield* underLease(fleet, "sync-state", (grip) =>
    synced(fleet, grip, asked).pipe(Effect.ensuring(fleet.tell({ type: "ended" }))),
  );
});

const synced = Effect.fnUntraced(function* (
  fleet: Fleet,
  grip: Grip,
  asked: SyncAsked,
): Effect.fn.Return<Ended, OperationError> {
  yield* fleet.tell({ type: "begun", operation: "sync-state", launches: 0, terminations: 0 });
  const seen = yield* lookAt(fleet);
  // Nobody waits for adoption only where somebody could look.
  const barrier = barrierOf(seen.plan);
  if (barrier !== null) return yield* barrier;
  const adoption = yield* adoptionIn(fleet, seen);
  const { joining } = adoption;
  if (joining.length > 0) yield* grip.commit(yield* wishesFor(fleet, asked, adoption));
  const { outcomes } = yield* grip.reconcile(isMeant);
  yield* fleet.tell({ type: "verifying" });
  const after = yield* lookAt(fleet);
  const news = reconciled(after, yield* Clock.currentTimeMillis);
  if (news.length > 0) yield* grip.commit({ puts: news });
  const last = after.plan.seen ? yield* lookAt(fleet) : after;
  const hints = yield* writeLedger(fleet, last);
  const isDone = last.plan.seen && !cameToNothing(outcomes) && !last.plan.changes.some(isMeant);
  const joined = adoptedIn(outcomes);
  const verbOf = (id: string) => (joined.has(id) ? "joined" : "is yet to join");
  const lines = [...tellAdoption(last.plan, adoption, verbOf), ...waiting(last.plan), ...hints];
  const ended = yield* told(fleet, last, lines);
  if (isDone) return ended;
  const trouble = troubleOf(last.plan, outcomes);
  yield* fleet.tell({ type: "trouble", message: trouble.message });
  return { ...ended, verdict: "infrastructure failed", trouble };
});

/** What sync-state carries out of a plan. */
const isMeant = ({ action }: Change): boolean =>
  action === "adopt" || action === "update" || action === "settle";

const adoptedIn = (outcomes: ReadonlyArray<Outcome>): ReadonlySet<string> =>
  new Set(
    outcomes.flatMap(({ result, change }) =>
      result === "done" && change.action === "adopt" ? [change.id] : [],
    ),
  );

const adoptionIn = Effect.fnUntraced(function* (fleet: Fleet, seen: Unit) {
  const text = yield* readLedger(fleet.ledger);
  return adoptionOf(seen, (text === null ? null : oldLedger(text)) ?? []);
});

const wishesFor = Effect.fnUntraced(function* (
  fleet: Fleet,
  { by, reason }: SyncAsked,
  { joining }: Adoption,
) {
  const at = new Date(yield* Clock.currentTimeMillis).toISOString();
  const { kind, name } = fleet.document;
  const why = reason ?? "asked for by sync-state";
  const puts = joining.map(({ sighting, group }): StoreRecord => ({
    _tag: "Adoption",
    document: { kind, name },
    id: sighting.id,
    from: null,
    set: group,
    by,
    reason: why,
    at,
  }));
  const note = noteOf({
    owner: fleet.owner,
    by,
    at,
    action: "adopt",
    reason: why,
    document: formatAddress(fleet.document),
    targets: joining.map(({ sighting }) => sighting.id),
  });
  return { puts, audit: [note] };
});

/** What is refused for members alone does not stop this; another owner and blindness do. */
const barrierOf = (plan: Plan): FleetFailed | null => {
  const foreign = plan.refusals.find(({ reason }) => reason.code === "OwnedByAnother");
  const refusal = plan.seen ? (foreign ?? plan.hold) : plan.refusals[0];
  if (plan.seen && refusal === null) return null;
  if (plan.seen && foreign !== undefined) {
    const owner = plan.outside.find(({ why }) => why === "other owner")?.owner ?? "";
    return new FleetFailed({
      reason: "Refused",
      message: foreign.reason.text,
      remedy: `scale and restart it where ${escapeText(owner)} runs it, by a record in that runner's store; or take its members over with: muster adopt ${plan.document.name} --from ${shellWord(owner)} --reason TEXT`,
    });
  }
  return refusal === undefined || refusal === null
    ? null
    : new FleetFailed({
        reason: plan.seen ? "Refused" : "Failed",
        message: refusal.reason.text,
        remedy: refusal.remedy,
      });
};

const told = Effect.fnUntraced(function* (
  fleet: Fleet,
  { plan, records }: Unit,
  messages: ReadonlyArray<string>,
): Effect.fn.Return<Ended> {
  const override = overrideIn(fleet.expansion, records, yield* Clock.currentTimeMillis);
  const answer = answerOf({
    operation: "sync-state",
    expansion: fleet.expansion,
    plan,
    outcomes: [],
    override,
    messages,
  });
  return { answer, verdict: "done", trouble: null, plan: null, isDryRun: false };
});

const tellAdoption = (
  { document }: Plan,
  { joining, unclear }: Adoption,
  verbOf: (id: string) => string,
): ReadonlyArray<string> => [
  ...joining.map(
    ({ sighting, group, by }) =>
      `${escapeText(sighting.displayName)} ${verbOf(sighting.id)} group ${group}, as ${by} says (${escapeText(sighting.id, 120)})`,
  ),
  ...unclear.map(
    ({ displayName, id }) =>
      `${escapeText(displayName)} is left as it is: nothing tells its group (${escapeText(id, 120)}); take it with: muster adopt ${document.name} --group NAME --reason TEXT`,
  ),
  ...(joining.length + unclear.length === 0 ? ["no member waits for adoption"] : []),
];

/** Nothing else was done, and a person should know that there is something. */
const waiting = (plan: Plan): ReadonlyArray<string> =>
  isConverged(plan) || !plan.seen
    ? []
    : [
        `${plan.changes.filter(isDue).length} other changes wait for the next scale, apply or daemon`,
      ];

const isDue = ({ action }: { readonly action: string }): boolean => action !== "keep";
