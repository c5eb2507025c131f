// Keeps one fleet as its document says, look after look, and does what people ask meanwhile: one operation at a time.

import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as FiberSet from "effect/FiberSet";
import * as Option from "effect/Option";
import * as Queue from "effect/Queue";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import * as SubscriptionRef from "effect/SubscriptionRef";
import { type Change, effectiveChanges, formatMember, type Plan } from "@muster/core";
import type { Unit } from "@muster/core/loop/look";
import { isReplacing } from "@muster/core/report/bookkeeping";
import { escapeText } from "@muster/core/words/quote";
import type { LoopSignals } from "@muster/gitops-runner";
import {
  type FleetAnswer,
  type FleetBusy,
  type FleetControl,
  FleetFailed,
  type FleetMetrics,
  type FleetOverride,
} from "@muster/sdk/fleet-contract";
import { holdMillis } from "../commands/fleet-flags.ts";
import { viewFleet } from "../screen/fleet-view.ts";
import { plain } from "../screen/paint.ts";
import { type Actions, noActions, noteAction } from "./actions.ts";
import type { Ended, OperationError } from "./answer.ts";
import type { FleetEvent } from "./event.ts";
import { keepUp } from "./keep-up.ts";
import { writeLedger } from "./ledger-file.ts";
import { busyWith } from "./lease.ts";
import { lookAt } from "./look.ts";
import { remembered } from "./members.ts";
import { overrideIn, tellOverride } from "./numbers.ts";
import type { Asked, Fleet } from "./opened.ts";
import { reload } from "./reload.ts";
import { rollingRestart } from "./restart.ts";
import { scale } from "./scale.ts";
import { standingOf } from "./standing.ts";
import { syncState } from "./sync.ts";

export interface DaemonOptions {
  /** The file of the document, read again at each turn. */
  readonly file: string;
  readonly intervalMillis: number;
  /** As people wrote it, such as `30s`. */
  readonly interval: string;
  /** How long the end waits for an operation that was begun, in milliseconds. */
  readonly graceMillis: number;
  /** Told in words what happens, for the log. */
  readonly log: (text: string) => Effect.Effect<void>;
  /** Told at the end of each turn; nothing when it went well. */
  readonly onTurn: (error: string | null) => Effect.Effect<void>;
}

export interface Daemon {
  readonly control: FleetControl;
  /** One look, and what follows from it; its work goes on by itself. */
  readonly turn: Effect.Effect<void>;
  /** Ends when nothing that a turn began runs any more. */
  readonly idle: Effect.Effect<void>;
  /** Turn after turn until `stop`; then nothing more is begun, and what was begun may end. */
  readonly run: (signals: LoopSignals) => Effect.Effect<void>;
}

interface State {
  asked: Asked;
  actions: Actions;
  running: string | null;
  local: number;
  remote: number | undefined;
  override: FleetOverride | null;
  /** Removals were announced, and may be carried out at the next turn. */
  announced: boolean;
  /** What a start would remove, until it does. */
  coming: string | null;
  dueAt: number | null;
  lastTick: string | undefined;
  lastConfigReload: string | undefined;
  lastAction: string | undefined;
  reloadFault: string | null;
  turnFault: string | null;
  turns: number;
  stopping: boolean;
}

/** No more than one in so many milliseconds reaches who listens to changes. */
const betweenChanges = 200;

export const makeDaemon = Effect.fnUntraced(function* (
  opened: Fleet,
  options: DaemonOptions,
): Effect.fn.Return<Daemon, never, Scope.Scope> {
  const works = yield* FiberSet.make<void>();
  const fork = yield* FiberSet.runtime(works)();
  const changed = yield* SubscriptionRef.make(0);
  const state: State = {
    asked: { source: opened.source, document: opened.document, expansion: opened.expansion },
    actions: noActions,
    running: null,
    local: 0,
    remote: undefined,
    override: null,
    announced: false,
    coming: null,
    dueAt: null,
    lastTick: undefined,
    lastConfigReload: undefined,
    lastAction: undefined,
    reloadFault: null,
    turnFault: null,
    turns: 0,
    stopping: false,
  };
  const publish = SubscriptionRef.update(changed, (count) => count + 1);

  const tell = (event: FleetEvent): Effect.Effect<void> =>
    Effect.gen(function* () {
      const now = new Date(yield* Clock.currentTimeMillis).toISOString();
      const before = state.actions;
      state.actions = noteAction(before, event, now);
      if (event.type === "begun") noteBegin(state, event);
      if (event.type === "finished") noteMember(state, event);
      yield* opened.tell(event);
      if (state.actions !== before) yield* publish;
    });

  const fleetFor = (by: string): Fleet => ({ ...opened, ...state.asked, by, tell });

  /** Waits for nothing: what runs already is named. */
  const exclusively = <A, E>(
    operation: string,
    work: Effect.Effect<A, E>,
  ): Effect.Effect<A, E | FleetBusy> =>
    Effect.suspend((): Effect.Effect<A, E | FleetBusy> => {
      if (state.running !== null) return Effect.fail(busyWith(state.running, holder));
      if (state.stopping) return Effect.fail(busyWith("its end", holder));
      state.running = operation;
      return Effect.andThen(publish, work).pipe(
        Effect.ensuring(
          Effect.suspend(() => {
            state.running = null;
            return publish;
          }),
        ),
      );
    });

  const holder = `the daemon, process ${process.pid}`;

  const operate = (
    operation: string,
    work: Effect.Effect<Ended, OperationError>,
  ): Effect.Effect<FleetAnswer, FleetBusy | FleetFailed> =>
    exclusively(operation, work).pipe(
      Effect.mapError(failureOf),
      Effect.tap((ended) => Effect.sync(() => takeAnswer(state, ended.answer))),
      Effect.flatMap(answerOrFailure),
    );

  const control: FleetControl = {
    status: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis;
      const fleet = fleetFor(opened.by);
      const unit = yield* lookAt(fleet);
      const { expansion, owner, store } = fleet;
      const standing = standingOf({ unit, expansion, owner, store: store.place, now });
      return [
        viewFleet({ standing, width: null, paint: plain }),
        ...(state.running === null ? [] : [`  running  ${state.running}`]),
        ...(state.coming === null ? [] : [`  coming   ${state.coming}`]),
        ...(errorOf(state) === undefined ? [] : [`  error    ${errorOf(state)}`]),
      ].join("\n");
    }).pipe(Effect.mapError(storeFailed)),
    metrics: Effect.map(Clock.currentTimeMillis, (now) => metricsOf(state, options.interval, now)),
    changes: Stream.unwrap(
      Effect.sync(() => {
        let last = 0;
        return SubscriptionRef.changes(changed).pipe(
          // Who is slow gets the newest, not all that came between.
          Stream.buffer({ capacity: 1, strategy: "sliding" }),
          Stream.mapEffect(() =>
            Effect.gen(function* () {
              const now = yield* Clock.currentTimeMillis;
              yield* Effect.sleep(Math.max(0, last + betweenChanges - now));
              last = yield* Clock.currentTimeMillis;
              return metricsOf(state, options.interval, last);
            }),
          ),
        );
      }),
    ),
    scale: (request, by) =>
      Effect.gen(function* () {
        const forMillis = yield* holdMillis(Option.fromNullishOr(request.for)).pipe(
          Effect.mapError(
            ({ message, remedy = "" }) => new FleetFailed({ reason: "Invalid", message, remedy }),
          ),
        );
        return yield* operate(
          "scale",
          scale(fleetFor(by), {
            desired: request.desired,
            by,
            reason: request.reason ?? null,
            forMillis,
            dryRun: false,
            daemon: { running: true, holder },
          }),
        );
      }),
    rollingRestart: (request, by) =>
      operate(
        "rolling-restart",
        Effect.suspend(() =>
          rollingRestart(fleetFor(by), { by, reason: request.reason ?? null, dryRun: false }),
        ),
      ),
    syncState: (by) =>
      operate(
        "sync-state",
        Effect.suspend(() => syncState(fleetFor(by), { by, reason: null, dryRun: false })),
      ),
  };

  const takeFile = Effect.gen(function* () {
    const found = yield* reload(options.file, opened.kinds, state.asked);
    const before = state.reloadFault;
    state.reloadFault = found.what === "fault" ? found.text : null;
    if (found.what === "fault" && before !== found.text) yield* options.log(found.text);
    if (found.what !== "new") return;
    state.asked = found.asked;
    state.lastConfigReload = new Date(yield* Clock.currentTimeMillis).toISOString();
    yield* options.log(`the document changed: ${desiredOf(state)} are asked for now`);
  });

  /** Fails when the store does. */
  const lookAndAct = Effect.gen(function* () {
    const unit = yield* lookAt(fleetFor(opened.by));
    // Somebody began meanwhile: what was seen is of before.
    if (state.running !== null) return;
    takeLook(state, unit, yield* Clock.currentTimeMillis);
    const { plan } = unit;
    state.turnFault = faultOf(plan);
    if (!plan.seen || !isDue(unit)) {
      state.lastAction = "noop";
      if (plan.seen) {
        state.announced = true;
        state.coming = null;
        yield* writeLedger(fleetFor(opened.by), unit);
      }
      return;
    }
    const only = yield* announce(plan);
    if (only !== undefined && !plan.changes.some((change) => isActive(change) && only(change))) {
      state.lastAction = "noop";
      return;
    }
    state.lastAction = actionOf(plan);
    yield* options.log(`${state.lastAction}: ${state.remote ?? "?"} are there`);
    fork(carryOut(only));
  });

  /** What an override that ended, or a changed document, makes a start remove is told one turn before. */
  const announce = Effect.fnUntraced(function* (
    plan: Plan,
  ): Effect.fn.Return<((change: Change) => boolean) | undefined> {
    const leaving = plan.changes.filter(
      (change) => change.action === "remove" && change.replaced !== true,
    );
    if (state.announced || leaving.length === 0) {
      state.announced = true;
      state.coming = null;
      return undefined;
    }
    state.announced = true;
    const names = leaving.map((change) => ("member" in change ? formatMember(change.member) : ""));
    state.coming = `in ${options.interval} ${names.length} ${names.length === 1 ? "member is" : "members are"} removed: ${names.join(", ")}; the document asks for ${desiredOf(state)}`;
    yield* options.log(state.coming);
    return isNoRemoval;
  });

  const carryOut = (only: ((change: Change) => boolean) | undefined): Effect.Effect<void> =>
    exclusively("reconcile", keepUp(fleetFor(opened.by), only)).pipe(
      // Nobody waits for this fiber: what it dies of would be heard by nobody.
      Effect.catchDefect((defect) => Effect.fail(internalFault(defect))),
      Effect.matchEffect({
        onFailure: (error) =>
          Effect.sync(() => {
            state.turnFault = error.message;
          }),
        onSuccess: ({ answer, trouble }) =>
          Effect.sync(() => {
            takeAnswer(state, answer);
            state.turnFault = trouble?.message ?? null;
          }),
      }),
      Effect.andThen(
        Effect.suspend(() =>
          state.turnFault === null ? Effect.void : options.log(state.turnFault),
        ),
      ),
      Effect.andThen(publish),
      Effect.withSpan("fleet reconcile"),
    );

  const turn = Effect.gen(function* () {
    state.turns += 1;
    state.lastTick = new Date(yield* Clock.currentTimeMillis).toISOString();
    yield* publish;
    yield* takeFile;
    if (state.running === null) {
      const before = state.turnFault;
      yield* lookAndAct.pipe(
        Effect.catch((error) =>
          Effect.sync(() => {
            state.turnFault = error.message;
            state.lastAction = "noop";
          }),
        ),
      );
      // Who reads the log later learns of it, and only once while it lasts.
      if (state.turnFault !== null && state.turnFault !== before) {
        yield* options.log(state.turnFault);
      }
    }
    yield* options.onTurn(errorOf(state) ?? null);
    yield* publish;
  });

  const run = Effect.fnUntraced(function* ({ stop, reload: hurry }: LoopSignals) {
    while (!(yield* Deferred.isDone(stop))) {
      yield* turn;
      const wait = pauseOf(state, options.intervalMillis, yield* Clock.currentTimeMillis);
      const woken = Effect.raceFirst(Queue.take(hurry), Deferred.await(stop));
      yield* Effect.raceFirst(Effect.sleep(wait), Effect.ignore(woken));
    }
    state.stopping = true;
    if (state.running !== null) yield* options.log(`waits for ${state.running} to end`);
    yield* Effect.timeoutOption(FiberSet.awaitEmpty(works), options.graceMillis);
    yield* FiberSet.clear(works);
  });

  return { control, turn, idle: FiberSet.awaitEmpty(works), run };
});

const isActive = ({ action }: Change): boolean => action !== "keep";

const isNoRemoval = (change: Change): boolean =>
  change.action !== "remove" || change.replaced === true;

/** Whether there is anything to do, to remember, or to wait for closely. */
const isDue = ({ plan, news }: Unit): boolean =>
  plan.hold === null && (effectiveChanges(plan).length > 0 || news.length > 0 || isReplacing(plan));

const desiredOf = ({ asked }: State): number =>
  asked.expansion.sets.reduce((sum, { count }) => sum + count, 0);

const actionOf = (plan: Plan): string =>
  isReplacing(plan)
    ? "rolling-restart"
    : `scale to ${plan.counts.reduce((sum, { asked }) => sum + asked, 0)}`;

const faultOf = ({ seen, refusals }: Plan): string | null => {
  const [refusal] = refusals;
  if (refusal !== undefined) return `${refusal.reason.text}: ${refusal.remedy}`;
  return seen ? null : "it cannot be seen what is there";
};

const errorOf = ({ reloadFault, turnFault }: State): string | undefined =>
  reloadFault ?? turnFault ?? undefined;

/** Not before a second is over, and no later than what is due by time. */
const pauseOf = ({ dueAt }: State, interval: number, now: number): number =>
  dueAt === null || dueAt <= now ? interval : Math.min(interval, Math.max(1_000, dueAt - now));

const takeLook = (state: State, unit: Unit, now: number): void => {
  const { plan } = unit;
  const override = overrideIn(state.asked.expansion, unit.records, now);
  state.override = override === null ? null : tellOverride(override);
  state.local = remembered(unit).length;
  state.dueAt = plan.nextDueAt === null ? null : Date.parse(plan.nextDueAt);
  if (plan.seen && plan.counts.length > 0) {
    state.remote = plan.counts.reduce((sum, { present }) => sum + present, 0);
  }
};

const takeAnswer = (state: State, { actual, override }: FleetAnswer): void => {
  state.override = override;
  if (actual !== undefined) state.remote = actual;
};

/** While it runs, what is there is held against the numbers that it goes for. */
const noteBegin = (
  state: State,
  { operation, override }: Extract<FleetEvent, { readonly type: "begun" }>,
): void => {
  state.running = operation;
  if (override !== undefined) state.override = override;
};

/** Told at once, long before the next look. */
const noteMember = (
  state: State,
  { outcome }: Extract<FleetEvent, { readonly type: "finished" }>,
): void => {
  if (outcome.result !== "done") return;
  const by = outcome.change.action === "create" ? 1 : outcome.change.action === "remove" ? -1 : 0;
  state.local = Math.max(0, state.local + by);
  if (state.remote !== undefined) state.remote = Math.max(0, state.remote + by);
};

const metricsOf = (state: State, interval: string, now: number): FleetMetrics => {
  const { override: known } = state;
  const override = known !== null && now < Date.parse(known.until) ? known : null;
  const lastError = errorOf(state);
  const { lastTick, lastConfigReload, lastAction, remote } = state;
  return {
    fleet: state.asked.document.name,
    localActive: state.local,
    ...(remote === undefined ? {} : { remoteActive: remote }),
    timestamp: new Date(now).toISOString(),
    control: {
      enabled: true,
      interval,
      ...(lastTick === undefined ? {} : { lastTick }),
      ...(lastConfigReload === undefined ? {} : { lastConfigReload }),
      desired: desiredOf(state),
      ...(remote === undefined ? {} : { actual: remote }),
      ...(lastAction === undefined ? {} : { lastAction }),
      ...(lastError === undefined ? {} : { lastError }),
      loopCount: state.turns,
      override,
    },
    actions: state.actions.shown,
  };
};

const answerOrFailure = ({
  answer,
  verdict,
  trouble,
}: Ended): Effect.Effect<FleetAnswer, FleetFailed> =>
  verdict === "done"
    ? Effect.succeed(answer)
    : Effect.fail(
        new FleetFailed({
          reason: verdict === "refused" ? "Refused" : "Failed",
          message: trouble?.message ?? verdict,
          remedy: trouble?.remedy ?? "look at the status",
          answer,
        }),
      );

const failureOf = (error: OperationError): FleetBusy | FleetFailed =>
  error._tag === "FleetBusy" || error._tag === "FleetFailed" ? error : storeFailed(error);

const internalFault = (defect: unknown): FleetFailed =>
  new FleetFailed({
    reason: "Failed",
    message: `internal error: ${escapeText(String(defect), 600)}`,
    remedy: "this is a fault in muster: please report it",
  });

const storeFailed = (error: {
  readonly message: string;
  readonly remedy?: string | undefined;
}): FleetFailed =>
  new FleetFailed({
    reason: "Failed",
    message: error.message,
    remedy: error.remedy ?? "try again; what was begun is settled by the next run",
  });
