// Holds where members go, and that a full place is left for another one, over real HTTP with the real SDK.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { Json } from "@muster/core/words/json";
import {
  outOfHostCapacity,
  virtualClock,
  type HostCapacity,
  type OciSimulator,
  type OciSimulatorOptions,
} from "@muster/testkit/oci/index";
import { crashingStore, decorateHandler, makeCrashPoints } from "@muster/testkit/store/crash";
import { countCalls, makeWorld } from "./fleet.ts";
import { turn } from "./turn.ts";

const ad = (number: number): string => `Uocm:PHX-AD-${number}`;
const fd = (number: number): string => `FAULT-DOMAIN-${number}`;

/** Time passes by the requests that are made. */
const world = (options: OciSimulatorOptions) =>
  makeWorld({
    clock: virtualClock({ start: Date.now(), advancePerRequestMs: 100 }),
    launchDelayMs: 100,
    terminateDelayMs: 100,
    ...options,
  });

const full = (availabilityDomain: string, more: Partial<HostCapacity> = {}): HostCapacity => ({
  availabilityDomain,
  hosts: 0,
  ...more,
});

const fleet = (count: number, placement?: Json): Readonly<Record<string, Json>> => ({
  instances: [{ name: "web", count }],
  ...(placement === undefined ? {} : { placement }),
});

/** Where each living member runs, by its name. */
const whereabouts = (simulator: OciSimulator): Readonly<Record<string, string>> =>
  Object.fromEntries(
    simulator
      .instances()
      .filter(({ lifecycleState }) => lifecycleState === "RUNNING")
      .map((one) => [
        one.freeformTags["muster-member"] ?? "",
        `${one.availabilityDomain}/${one.faultDomain}`,
      ])
      .sort(),
  );

const asked = (simulator: OciSimulator): number => countCalls(simulator)["LaunchInstance"] ?? 0;

describe("members", () => {
  it.live("are spread over availability domains, then over fault domains", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* world({});
      const placement = {
        availabilityDomains: ["AD-1", "Uocm:PHX-AD-3"],
        faultDomains: [fd(2), fd(1)],
      };
      yield* turn({ handler, store: makeMemoryStore(), spec: fleet(5, placement) });
      assert.deepStrictEqual(whereabouts(simulator), {
        "web-1.1": `${ad(1)}/${fd(2)}`,
        "web-2.1": `${ad(3)}/${fd(2)}`,
        "web-3.1": `${ad(1)}/${fd(1)}`,
        "web-4.1": `${ad(3)}/${fd(1)}`,
        "web-5.1": `${ad(1)}/${fd(2)}`,
      });
    }),
  );

  it.live("are where OCI chooses when the document does not say", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* world({});
      yield* turn({ handler, store: makeMemoryStore(), spec: fleet(4) });
      assert.strictEqual(asked(simulator), 4);
      const places = Object.values(whereabouts(simulator));
      assert.isTrue(places.every((place) => place.startsWith(`${ad(1)}/`)));
      assert.strictEqual(new Set(places).size, 3);
    }),
  );
});

describe("a full place", () => {
  for (const toldBy of ["answer", "workRequest"] as const) {
    it.live(`is left for the next domain that is named (told by the ${toldBy})`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* world({ capacity: [full(ad(1), { toldBy })] });
        const placement = { availabilityDomains: ["AD-1", "AD-2"] };
        const store = makeMemoryStore();
        const { outcomes, left } = yield* turn({ handler, store, spec: fleet(1, placement) });
        assert.deepStrictEqual(
          outcomes.map(({ result, code }) => code ?? result),
          ["Exhausted", "done"],
        );
        assert.strictEqual(left[0]?.changes.filter(({ action }) => action !== "keep").length, 0);
        const [where, ...others] = Object.values(whereabouts(simulator));
        assert.isTrue(where?.startsWith(`${ad(2)}/`));
        assert.strictEqual(others.length, 0);
        const entries = yield* store.auditEntries(0, 100);
        const intents = entries.flatMap((entry) =>
          entry.phase === "intent" ? [entry.parameters] : [],
        );
        assert.deepStrictEqual(
          intents.map((parameters) => parameters["place"]),
          [ad(1), ad(2)],
        );
        assert.strictEqual(new Set(intents.map((parameters) => parameters["token"])).size, 2);
      }),
    );

    it.live(`is left for another of its fault domains (told by the ${toldBy})`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* world({
          capacity: [1, 3].map((number) => full(ad(1), { faultDomain: fd(number), toldBy })),
        });
        const placement = { faultDomains: [fd(1)] };
        yield* turn({ handler, store: makeMemoryStore(), spec: fleet(1, placement) });
        assert.deepStrictEqual(Object.values(whereabouts(simulator)), [`${ad(1)}/${fd(2)}`]);
        assert.strictEqual(asked(simulator), 2);
      }),
    );
  }

  it.live("that OCI chose itself is left for each of its fault domains", () =>
    Effect.gen(function* () {
      // OCI says that it has no host, and has one where it is asked for.
      const { simulator, handler } = yield* world({});
      simulator.faults.set([
        { ...outOfHostCapacity(), nth: 1 },
        outOfHostCapacity({ faultDomain: fd(1) }),
      ]);
      yield* turn({ handler, store: makeMemoryStore(), spec: fleet(1) });
      assert.deepStrictEqual(Object.values(whereabouts(simulator)), [`${ad(1)}/${fd(2)}`]);
      assert.strictEqual(asked(simulator), 3);
    }),
  );

  it.live("beside others that are full ends in Exhausted, with a remedy, each tried once", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* world({ capacity: [full(ad(1)), full(ad(2))] });
      const placement = { availabilityDomains: ["AD-1", "AD-2"] };
      const store = makeMemoryStore();
      const { outcomes } = yield* turn({ handler, store, spec: fleet(2, placement) });
      const failed = outcomes.filter(({ code }) => code === "Exhausted");
      const places = failed.map(({ change }) => (change.action === "create" ? change.place : ""));
      assert.deepStrictEqual([...places].sort(), [
        ad(1),
        ...[1, 2, 3].map((number) => `${ad(1)}/${fd(number)}`),
        ad(2),
        ...[1, 2, 3].map((number) => `${ad(2)}/${fd(number)}`),
      ]);
      assert.isTrue(failed.every(({ remedy }) => (remedy ?? "").includes("availability domain")));
      // Never in the third domain, which is empty and not named.
      assert.strictEqual(simulator.instances().length, 0);
      assert.strictEqual(asked(simulator), 8);
    }),
  );

  for (const [code, options] of [
    ["LimitExceeded", { instanceLimit: 0 }],
    [
      "QuotaExceeded",
      { quotas: [{ compartmentId: "ocid1.compartment.oc1..muster", instances: 0 }] },
    ],
  ] as const) {
    it.live(`is one where ${code} was answered, too`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* world(options);
        const { outcomes } = yield* turn({ handler, store: makeMemoryStore(), spec: fleet(1) });
        assert.isTrue(outcomes.every((one) => one.code === "Exhausted"));
        assert.include(outcomes[0]?.message, code);
        assert.strictEqual(simulator.instances().length, 0);
      }),
    );
  }
});

describe("killed anywhere between two places", () => {
  const placement = { availabilityDomains: ["AD-1", "AD-2"], faultDomains: [fd(1)] };
  const spec = fleet(2, placement);
  const pastLease = 60_000;

  for (const toldBy of ["answer", "workRequest"] as const) {
    it.live(`the next run makes no second machine (told by the ${toldBy})`, () =>
      Effect.gen(function* () {
        const dieAt = (at: number | undefined) =>
          Effect.gen(function* () {
            const { simulator, handler } = yield* world({
              capacity: [full(ad(1), { toldBy })],
              // Long enough that the next run does not see what the dead one launched.
              listLagMs: 10_000,
            });
            const store = makeMemoryStore();
            const points = yield* makeCrashPoints({
              act: at === undefined ? "count" : "interrupt",
              ...(at === undefined ? {} : { at }),
            });
            const first = turn({
              handler: decorateHandler(handler, points),
              store: crashingStore(store, points),
              spec,
            });
            yield* points.run(first);
            yield* turn({ handler, store, spec, later: pastLease });
            assert.deepStrictEqual(
              Object.values(whereabouts(simulator)),
              [`${ad(2)}/${fd(1)}`, `${ad(2)}/${fd(1)}`],
              `died at ${at}`,
            );
            const launched = simulator
              .journal()
              .filter((one) => one.operation === "LaunchInstance");
            const stillborn = launched.filter((one) => one.availabilityDomain === ad(1)).length;
            assert.strictEqual(launched.length - stillborn, 2, `died at ${at}`);
            return (yield* points.labels).length;
          }).pipe(Effect.scoped);
        const points = yield* dieAt(undefined);
        assert.isAbove(points, 20);
        for (let at = 1; at <= points; at += 1) yield* dieAt(at);
      }),
    );
  }
});
