import { assert, describe, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { endOfConverge, endOfReboot, endOfRebootLine } from "../../src/inventory/act-end.ts";
import { awaitBoot, sightOf, type Sight } from "../../src/inventory/boot.ts";
import { ContactError, type ExecAnswer } from "../../src/words/contact.ts";
import type { HostObservation } from "../../src/words/host.ts";

const answered = { reason: null, step: null, message: null };

const observed = (seen: Partial<HostObservation>): HostObservation => ({
  ...{ host: "a", at: "2026-05-01T12:00:00.000Z" },
  ...seen,
});

const up = (bootId?: string) =>
  observed({ contact: answered, facts: bootId === undefined ? {} : { bootId } });

const away = (reason: "reset" | "hostkey-changed" = "reset") =>
  observed({ contact: { reason, step: "tcp", message: reason } });

/** Waits while the host shows these one after the other, the last for ever; each look takes 1 s. */
const waited = (looks: ReadonlyArray<HostObservation>, timeoutMillis = 60_000) =>
  Effect.gen(function* () {
    const seen: Array<Sight["kind"]> = [];
    let turn = 0;
    const fiber = yield* Effect.forkChild(
      awaitBoot({
        before: "b1",
        look: Effect.map(Effect.sleep(1_000), () => ({
          observation: looks[Math.min(turn++, looks.length - 1)]!,
          override: null,
        })),
        ...{ timeoutMillis, everyMillis: 2_000 },
        onSight: ({ kind }) => Effect.sync(() => void seen.push(kind)),
      }),
    );
    yield* TestClock.adjust(timeoutMillis + 10_000);
    return { ...(yield* Fiber.join(fiber)), seen };
  });

const nothing = new Uint8Array();

const answer = (code: number | null, signal: string | null = null): { answer: ExecAnswer } => ({
  answer: { code, signal, stdout: nothing, stderr: nothing, truncated: false },
});

const contactError = (step: "tcp" | "channel" | "exec") => ({
  error: new ContactError({
    ...{ reason: step === "exec" ? "disconnected" : "timeout", step, host: "a" },
    ...{ message: "cut", remedy: "look" },
  }),
});

describe("a reboot that is waited for", () => {
  it.effect("is over with another boot id, and not before", () =>
    Effect.gen(function* () {
      const { seen, millis, sight } = yield* waited([up("b1"), away(), up(), away(), up("b2")]);
      assert.deepStrictEqual(seen, ["same", "silent", "untold", "silent", "rebooted"]);
      // Five looks of 1 s, 2 s between them.
      assert.strictEqual(millis, 13_000);
      assert.deepStrictEqual(sight, { kind: "rebooted", bootId: "b2" });
    }),
  );

  it.effect("is over at once where something shows another key: it is not asked again", () =>
    Effect.gen(function* () {
      const { seen } = yield* waited([away(), away("hostkey-changed"), up("b2")]);
      assert.deepStrictEqual(seen, ["silent", "other-key"]);
    }),
  );

  it.effect("ends with the time, hears the look out that is under way, and begins no other", () =>
    Effect.gen(function* () {
      const { seen, millis } = yield* waited([up("b1")], 6_500);
      // Looks end at 1 s, 4 s and 7 s.
      assert.deepStrictEqual([seen.length, millis], [3, 7_000]);
      const late = yield* waited([up("b1"), up("b1"), up("b2")], 6_500);
      assert.strictEqual(late.sight.kind, "rebooted");
      assert.isAbove(yield* Clock.currentTimeMillis, 0);
    }),
  );

  it("knows a boot id only from a host that answers", () => {
    const liar = observed({ contact: { ...away().contact! }, facts: { bootId: "b2" } });
    assert.strictEqual(sightOf("b1", liar).kind, "silent");
    assert.strictEqual(sightOf("b1", up("")).kind, "untold");
  });
});

describe("what is told of an act", () => {
  const end = (sight: Sight) =>
    endOfReboot("a", "b1", { sight, millis: 9_400, look: { observation: up(), override: null } });

  it("is a reboot that is done only with another boot id", () => {
    const ends = (
      [
        { kind: "rebooted", bootId: "b2" },
        { kind: "same" },
        { kind: "untold" },
        { kind: "silent", message: "m" },
        { kind: "other-key", message: "m" },
      ] as const
    ).map((sight) => [sight.kind, end(sight).verdict, end(sight).outcome]);
    assert.deepStrictEqual(ends, [
      ["rebooted", "done", "done"],
      ["same", "partly done", "failed"],
      ["untold", "outcome unknown", "unknown"],
      ["silent", "outcome unknown", "unknown"],
      ["other-key", "outcome unknown", "unknown"],
    ]);
    assert.deepInclude(end({ kind: "rebooted", bootId: "b2" }).found, {
      before: "b1",
      after: "b2",
    });
  });

  it("lets a reboot be waited for whose line ended well, by a signal, or with the connection", () => {
    for (const sent of [answer(0), answer(null, "TERM"), answer(143), contactError("exec")]) {
      assert.isNull(endOfRebootLine("a", sent, ""));
    }
    const refused = endOfRebootLine("a", answer(1), "sudo: a password is required\n");
    assert.deepStrictEqual([refused?.verdict, refused?.outcome], ["refused", "failed"]);
    const failed = endOfRebootLine("a", answer(1), "reboot: not permitted\n");
    assert.deepStrictEqual([failed?.verdict, failed?.outcome], ["partly done", "failed"]);
    const unsent = endOfRebootLine("a", contactError("channel"), "");
    assert.deepStrictEqual([unsent?.verdict, unsent?.outcome], ["infrastructure failed", "failed"]);
  });

  it("is unknown for a line that may have left, and failed for one that did not", () => {
    const ends = [
      answer(0),
      answer(4),
      answer(null, "KILL"),
      contactError("tcp"),
      contactError("exec"),
    ].map((sent) => [endOfConverge("a", sent).verdict, endOfConverge("a", sent).outcome]);
    assert.deepStrictEqual(ends, [
      ["done", "done"],
      ["partly done", "failed"],
      ["partly done", "failed"],
      ["infrastructure failed", "failed"],
      ["outcome unknown", "unknown"],
    ]);
  });
});
