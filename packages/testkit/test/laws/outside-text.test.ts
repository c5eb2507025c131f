// Law 12: names and messages from outside are data: nothing of them can steer a terminal or a shell.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { makeMemoryStore } from "@muster/core/store/memory";
import { quote } from "@muster/core/words/quote";
import { ProviderError } from "@muster/core/words/provider";
import type { ReconcileReport } from "@muster/core/reconcileOnce";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { whileTimePasses } from "../../src/fleet/passing-time.ts";
import { fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const esc = "\u001b[2J\u001b]0;owned\u0007";
const bidi = "\u202egnp.exe\u2066";
const c1 = "\u009b31m";
const evil = `${esc}${bidi}${c1}\r\nReady: True`;

const steering = /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

const messagesOf = (report: ReconcileReport): ReadonlyArray<string> => [
  ...report.statuses.flatMap((status) => status.conditions.map((condition) => condition.message)),
  ...report.left.flatMap((plan) =>
    plan.refusals.flatMap((refusal) => [refusal.reason.text, refusal.remedy]),
  ),
  ...report.outcomes.flatMap((outcome) => [outcome.message, outcome.remedy ?? ""]),
];

const assertTame = (texts: ReadonlyArray<string>) =>
  assert.deepStrictEqual(
    texts.filter((text) => steering.test(text)).map((text) => JSON.stringify(text)),
    [],
  );

describe("law 12: text from outside is data", () => {
  it.effect("a provider's message in the error of a look", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      cloud.faults.blind.set(
        "site",
        new ProviderError({ reason: "Denied", operation: evil, message: evil, remedy: evil }),
      );
      const store = makeMemoryStore();
      assertTame(messagesOf(yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] })));
    }),
  );

  it.effect("a provider's message in the error of a launch", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      cloud.faults.next.set("create", [
        new ProviderError({ reason: "Denied", operation: "Create", message: evil, remedy: evil }),
      ]);
      const store = makeMemoryStore();
      assertTame(messagesOf(yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] })));
    }),
  );

  it.effect("what stands in the way", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      cloud.faults.blocked.set("site", { reason: "Invalid", message: evil, remedy: evil });
      const store = makeMemoryStore();
      const turn = yield* whileTimePasses(fakeTurn({ cloud, store, documents: [fleetOf(1)] }));
      assertTame(messagesOf(turn));
    }),
  );

  it.effect("another owner's name", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      cloud.plant({ document: "site", owner: evil });
      const store = makeMemoryStore();
      assertTame(messagesOf(yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] })));
    }),
  );

  it.effect("another owner's name, told back as a command to copy", () =>
    Effect.gen(function* () {
      for (const owner of ["x'; rm -rf ~; echo '", "$(id)", "`id`"]) {
        const cloud = makeFakeCloud();
        cloud.plant({ document: "site", owner });
        const store = makeMemoryStore();
        const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
        const [refusal] = turn.left[0]!.refusals;
        assert.isFalse(
          shellRuns(refusal!.remedy, owner),
          `copied into a shell this runs more than it says: ${refusal!.remedy}`,
        );
      }
    }),
  );

  it.effect("machine names in the status", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      cloud.plant({ document: "site", displayName: evil });
      const store = makeMemoryStore();
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
      assertTame(turn.statuses.flatMap((status) => status.members.map((member) => member.name)));
      assertTame(turn.left.flatMap((plan) => plan.outside.map((outsider) => outsider.name)));
    }),
  );

  it.effect.prop(
    "quote lets nothing steer, and stays within its limit",
    { text: Schema.String, limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })) },
    ({ limit, text }) =>
      Effect.sync(() => {
        for (const value of [text, `${text}${evil}`, `${evil}${text}`]) {
          const shown = quote(value, limit);
          assert.isFalse(steering.test(shown));
          assert.match(shown, /^".*"$/su);
          assert.isAtMost([...shown].length, 10 * limit + 3);
        }
      }),
  );
});

/** Whether a POSIX shell leaves the single quotes around the owner before the owner ends. */
const shellRuns = (remedy: string, owner: string): boolean => {
  const command = remedy.slice(remedy.indexOf("muster adopt"));
  // A quote that is escaped outside of quotes neither opens nor closes any.
  const outside = command.replaceAll("\\'", "").replaceAll(/'[^']*'/gu, "");
  return /[;&|`$<>\n]/u.test(outside) || (owner.includes("'") && command.includes(owner));
};
