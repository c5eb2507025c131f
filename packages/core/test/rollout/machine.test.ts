// The stage machine: which event leads where, and what no sequence of events can bring about.

import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import {
  advance,
  draftRollout,
  journalLimit,
  type RolloutPolicy,
} from "../../src/rollout/machine.ts";
import type { RolloutEvent, RolloutState } from "../../src/words/rollout.ts";

const timed: RolloutPolicy = { pauseMillis: 0, approval: "timer" };
const patient: RolloutPolicy = { pauseMillis: 60_000, approval: "timer" };
const byPerson: RolloutPolicy = { pauseMillis: 0, approval: "person" };
const by = "ann";
const reason = "because";

/** The state after these events; one that is refused ends the test. */
const after = (
  events: ReadonlyArray<RolloutEvent>,
  policy: RolloutPolicy = timed,
  now = 0,
): RolloutState =>
  events.reduce((state, event) => {
    const next = advance(state, event, policy, now);
    if (Result.isFailure(next)) throw new Error(next.failure.reason.text);
    return next.success.state;
  }, draftRollout(3));

const started: RolloutEvent = { type: "started" };
const staged = (...targets: ReadonlyArray<string>): RolloutEvent => ({ type: "staged", targets });
const told = (target: string, result: "written" | "failed" | "unknown"): RolloutEvent => ({
  type: "told",
  target,
  result,
});
const pass: RolloutEvent = { type: "judged", verdict: "Pass", reason };

const refuses = (state: RolloutState, event: RolloutEvent, policy = timed): void => {
  const next = advance(state, event, policy, 0);
  assert.isTrue(Result.isFailure(next), `${event.type} at ${state.phase} ${state.stage?.phase}`);
};

describe("the stage machine", () => {
  it("goes through its stages one after the other", () => {
    const first = after([started, staged("a")]);
    assert.strictEqual(first.stage?.phase, "Applying");
    const waiting = after([started, staged("a"), told("a", "written")]);
    assert.strictEqual(waiting.stage?.phase, "Waiting");
    assert.deepStrictEqual(
      waiting.journal.map(({ stage }) => stage?.phase ?? null),
      [null, "Planned", "Applying", "Applied", "Waiting"],
    );
    const second = after([started, staged("a"), told("a", "written"), pass, staged("b")]);
    assert.deepInclude(second.stage, { number: 2, phase: "Applying" });
    assert.strictEqual(second.done, 1);
    const over = after([started, staged("a"), told("a", "written"), pass, { type: "exhausted" }]);
    assert.strictEqual(over.phase, "Succeeded");
  });

  it("begins no stage while one is not over, and none that is empty", () => {
    refuses(after([started, staged("a")]), staged("b"));
    refuses(after([started, staged("a"), told("a", "written")]), staged("b"));
    refuses(after([started]), staged());
    refuses(draftRollout(1), staged("a"));
  });

  it("is blocked by what failed, and by what nobody knows", () => {
    for (const result of ["failed", "unknown"] as const) {
      const blocked = after([started, staged("a", "b"), told("a", "written"), told("b", result)]);
      assert.strictEqual(blocked.stage?.phase, "ApplyBlocked");
      refuses(blocked, pass);
      refuses(blocked, { type: "approved", by, reason, forced: true });
      const settled = after([
        ...[started, staged("a", "b"), told("a", "written"), told("b", result)],
        told("b", "written"),
      ]);
      assert.strictEqual(settled.stage?.phase, "Waiting");
    }
  });

  it("tries again what failed, and never what nobody knows", () => {
    const failed = after([started, staged("a"), told("a", "failed")]);
    const again = advance(failed, { type: "retried", target: "a" }, timed, 0);
    assert.isTrue(Result.isSuccess(again));
    refuses(after([started, staged("a"), told("a", "unknown")]), { type: "retried", target: "a" });
  });

  it("lets a stage end only after its pause, and only on a pass", () => {
    const waiting = after([started, staged("a"), told("a", "written")], patient);
    assert.strictEqual(waiting.stage?.dueAt, "1970-01-01T00:01:00.000Z");
    for (const [verdict, now, phase] of [
      ["Pass", 59_999, "Waiting"],
      ["Pass", 60_000, "Advanced"],
      ["Fail", 60_000, "Waiting"],
      ["Inconclusive", 60_000, "Waiting"],
    ] as const) {
      const next = advance(waiting, { type: "judged", verdict, reason }, patient, now);
      assert.strictEqual(Result.getOrThrow(next).state.stage?.phase, phase, `${verdict} at ${now}`);
    }
  });

  it("waits for a person where a person decides", () => {
    const waiting = after([started, staged("a"), told("a", "written"), pass], byPerson);
    assert.strictEqual(waiting.stage?.phase, "Waiting");
    const on = after(
      [started, staged("a"), told("a", "written"), { type: "approved", by, reason, forced: false }],
      byPerson,
    );
    assert.strictEqual(on.stage?.phase, "Advanced");
    assert.strictEqual(on.journal.at(-1)?.reason, "ann: because");
  });

  it("holds what waits, and lets what is applied come to its end", () => {
    const applying = after([started, staged("a"), { type: "paused", by, reason }]);
    assert.deepInclude(applying, { phase: "Paused" });
    assert.strictEqual(applying.stage?.phase, "Applying");
    refuses(applying, staged("b"));
    const held = after([
      started,
      staged("a"),
      told("a", "written"),
      { type: "paused", by, reason },
    ]);
    assert.strictEqual(held.stage?.phase, "Paused");
    refuses(held, pass);
    const on = after([
      ...[started, staged("a"), told("a", "written")],
      ...([
        { type: "paused", by, reason },
        { type: "resumed", by, reason },
      ] as const),
    ]);
    assert.strictEqual(on.stage?.phase, "Waiting");
  });

  it("cancels a draft, aborts what runs, rolls back only what was aborted", () => {
    const abort: RolloutEvent = { type: "aborted", by, reason };
    assert.strictEqual(after([abort]).phase, "Cancelled");
    assert.strictEqual(after([started, staged("a"), abort]).phase, "Aborted");
    refuses(after([started]), { type: "rolledBack", finished: false });
    const back = after([
      ...[started, staged("a"), abort],
      ...([
        { type: "rolledBack", finished: false },
        { type: "rolledBack", finished: true },
      ] as const),
    ]);
    assert.strictEqual(back.phase, "RolledBack");
    assert.strictEqual(back.stage?.phase, "RolledBack");
  });

  it("finalizes only what succeeded, and observes it before it is final", () => {
    const succeeded: ReadonlyArray<RolloutEvent> = [started, { type: "exhausted" }];
    refuses(after([started]), { type: "finalized", finished: false });
    const phases = [false, true, true].map(
      (_, index, all) =>
        after([
          ...succeeded,
          ...all.slice(0, index + 1).map((finished) => ({ type: "finalized", finished }) as const),
        ]).phase,
    );
    assert.deepStrictEqual(phases, ["Finalizing", "Observing", "Finalized"]);
  });
});

const targets = ["a", "b", "c"];
const every: ReadonlyArray<RolloutEvent> = [
  started,
  ...[["a"], ["b", "c"], ["a", "b", "c"]].map((some) => staged(...some)),
  ...targets.flatMap((target) =>
    (["written", "skipped", "failed", "unknown", "conflict"] as const).map(
      (result): RolloutEvent => ({ type: "told", target, result }),
    ),
  ),
  ...targets.map((target): RolloutEvent => ({ type: "retried", target })),
  ...(["Pass", "Fail", "Inconclusive"] as const).map((verdict): RolloutEvent => ({
    type: "judged",
    verdict,
    reason,
  })),
  ...[true, false].map((forced): RolloutEvent => ({ type: "approved", by, reason, forced })),
  { type: "paused", by, reason },
  { type: "resumed", by, reason },
  { type: "exhausted" },
  { type: "aborted", by, reason },
  ...[true, false].flatMap((finished): ReadonlyArray<RolloutEvent> => [
    { type: "rolledBack", finished },
    { type: "finalized", finished },
  ]),
];
const walk = Schema.Array(
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })),
).check(Schema.isMinLength(30), Schema.isMaxLength(60));

/** One that may come now and seldom ends it, so that a walk gets far; now and then any. */
const drawn = (state: RolloutState, policy: RolloutPolicy, now: number, dice: number) => {
  const possible = every.filter(
    (one) =>
      (one.type !== "aborted" || dice % 13 === 0) &&
      Result.isSuccess(advance(state, one, policy, now)),
  );
  const among = dice % 5 === 0 || possible.length === 0 ? every : possible;
  return among[dice % among.length]!;
};

const ends = (from: RolloutState, to: RolloutState): boolean =>
  from.stage?.phase !== "Advanced" && to.stage?.phase === "Advanced";

const final = ["Finalized", "Cancelled", "RolledBack"];

describe("whatever comes", () => {
  it.prop(
    "nothing open is ever left behind, what is final stays, refusals change nothing, equal inputs give equal states",
    { dice: walk, approval: Schema.Literals(["timer", "person"]) },
    ({ dice, approval }) => {
      const policy: RolloutPolicy = { pauseMillis: 10, approval };
      let state = draftRollout(3);
      let now = 0;
      for (const thrown of dice) {
        now += 7;
        const one = drawn(state, policy, now, thrown);
        const next = advance(state, one, policy, now);
        assert.deepStrictEqual(next, advance(state, one, policy, now));
        if (Result.isFailure(next)) {
          assert.isNotEmpty(next.failure.remedy);
          continue;
        }
        const { state: to, effects } = next.success;
        assert.isFalse(final.includes(state.phase), `left ${state.phase} by ${one.type}`);
        const left = state.stage !== null && to.stage?.number !== state.stage.number;
        if (left || to.stage?.phase === "Advanced") {
          const behind = left ? state.stage! : to.stage!;
          assert.isTrue(
            behind.targets.every(({ result }) => ["written", "skipped"].includes(result)),
          );
        }
        if (effects.some(({ type }) => type === "apply")) assert.strictEqual(to.phase, "Active");
        if (approval === "person" && ends(state, to)) assert.strictEqual(one.type, "approved");
        assert.isAtMost(to.journal.length, journalLimit);
        assert.isAtLeast(to.done, state.done);
        state = to;
      }
    },
  );
});
