// Holds how a line of the log looks: one line, escaped, with the ids of its span.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import { events } from "@muster/core/report/telemetry";
import { fleet } from "../fleet.ts";
import { inWorld } from "../world.ts";
import { logEvent, type LogFormat, makeLogger } from "../../src/telemetry/log.ts";
import { Out } from "../../src/screen/out.ts";
import { logFormatIn, logging } from "../../src/telemetry/telemetry.ts";

const evil = "a\u001b[2J\u202e\n\u009b31m b";

const linesOf = (format: LogFormat, effect: Effect.Effect<void>) =>
  Effect.gen(function* () {
    const lines: Array<string> = [];
    const logger = makeLogger(format, (line) => void lines.push(line));
    yield* Effect.provide(effect, Logger.layer([logger]));
    return lines;
  });

describe("a line of the log", () => {
  it.effect("as JSON is one object with the ids of its span", () =>
    Effect.gen(function* () {
      const [line = "", ...more] = yield* linesOf(
        "json",
        logEvent(events.tickFinished, "Warn", evil, { "muster.x": evil, n: 3, ok: true }).pipe(
          Effect.withSpan("tick"),
        ),
      );
      assert.deepStrictEqual(more, []);
      assert.notMatch(line, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/u);
      const read = JSON.parse(line) as Record<string, unknown>;
      assert.deepInclude(read, {
        timestamp: "1970-01-01T00:00:00.000Z",
        level: "WARN",
        message: "a\\u{1b}[2J\\u{202e}\\u{a}\\u{9b}31m b",
        attributes: {
          "event.name": "tick.finished",
          "muster.x": "a\\u{1b}[2J\\u{202e}\\u{a}\\u{9b}31m b",
          n: 3,
          ok: true,
        },
      });
      assert.match(String(read["trace_id"]), /^[0-9a-f]{32}$/u);
      assert.match(String(read["span_id"]), /^[0-9a-f]{16}$/u);
    }),
  );

  it.effect("as text is one line, and its values cannot be taken for others", () =>
    Effect.gen(function* () {
      const [line = ""] = yield* linesOf(
        "text",
        logEvent(events.headMoved, "Info", evil, { a: "b  c=d", e: "f" }),
      );
      assert.notMatch(line, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/u);
      assert.match(line, /^1970-01-01T00:00:00\.000Z INFO {2}a.* {2}event\.name=source\.moved/u);
      assert.include(line, '  a="b  c=d"  e=f');
    }),
  );

  it.effect("is also written where another logger is already", () =>
    Effect.gen(function* () {
      const [said, sent]: [Array<string>, Array<string>] = [[], []];
      const out = {
        ...(yield* Out),
        say: (text: string) => Effect.sync(() => void said.push(text)),
      };
      const other = Logger.make(({ message }) => void sent.push(String(message)));
      yield* logEvent(events.loopStopping, "Info", "begins").pipe(
        Effect.provide(Layer.provide(logging("text", out), Logger.layer([other]))),
      );
      assert.deepStrictEqual(sent, ["begins"]);
      assert.match(said.join("|"), /INFO {2}begins {2}event\.name=loop\.stopping$/u);
    }),
  );

  it("is asked for on the command line", () => {
    assert.strictEqual(logFormatIn(["run", "--log-format", "json"]), "json");
    assert.strictEqual(logFormatIn(["--log-format=json", "plan"]), "json");
    assert.strictEqual(logFormatIn(["plan", "--", "--log-format=json"]), "text");
    assert.strictEqual(logFormatIn(["plan"]), "text");
  });
});

describe("a command with --log-format json", () => {
  it(
    "writes nothing else on stderr, and its result where it was",
    inWorld(async (world) => {
      const file = await world.write("web.yaml", fleet(1));
      const applied = await world.inside(["apply", file, "--log-format", "json"]);
      assert.strictEqual(applied.code, 0);
      assert.include(applied.stdout, "Done: 1 created");
      const lines = applied.stderr.trimEnd().split("\n");
      const read = lines.map(
        (line) =>
          JSON.parse(line) as {
            message: string;
            attributes: Record<string, string>;
          },
      );
      assert.deepStrictEqual(
        read.map(({ attributes }) => attributes["event.name"]),
        ["change.finished"],
      );
      assert.match(
        String(read[0]?.message),
        /^FleetConfig\/web: create web-1\.1: done, running as ocid1\./u,
      );
      const quiet = ["--log-format", "json", "--log-level", "none"];
      assert.strictEqual((await world.inside(["apply", file, ...quiet])).stderr, "");
      const wrong = await world.inside(["plan", "/nowhere/at/all", "--log-format=json"]);
      assert.notStrictEqual(wrong.code, 0);
      const [error] = wrong.stderr.trimEnd().split("\n");
      assert.deepInclude(JSON.parse(error ?? ""), { level: "ERROR" });
    }),
  );
});
