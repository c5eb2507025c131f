// Holds that the loop tells one trace for each run, whole and nested, and one of its own for each idle tick.

import { renameSync } from "node:fs";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Tracer from "effect/Tracer";
import { makeMemoryStore } from "@muster/core/store/memory";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { commitSpan } from "../src/trace.ts";
import { documentOf, startLoop } from "./looping.ts";
import { gitLayer, makeSandbox } from "./sandbox.ts";

/** Keeps every span that was begun. */
const recording = () => {
  const spans: Array<Tracer.NativeSpan> = [];
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options);
      spans.push(span);
      return span;
    },
  });
  return { spans, tracer };
};

const result = (span: Tracer.Span) => span.attributes.get("cicd.pipeline.result");

const endOf = ({ status }: Tracer.Span): bigint => {
  assert.strictEqual(status._tag, "Ended");
  return status._tag === "Ended" ? status.endTime : 0n;
};

describe("the traces of a loop", () => {
  it.effect("are one for each run, and one for each tick that finds nothing to do", () => {
    const { spans, tracer } = recording();
    return Effect.gen(function* () {
      const box = yield* makeSandbox;
      const head = box.commit({ "site.json": documentOf(3) });
      box.pushMain();
      const looping = yield* startLoop({ box, cloud: makeFakeCloud(), store: makeMemoryStore() });
      yield* looping.next("published");
      yield* looping.tick;
      renameSync(box.remote, `${box.remote}.away`);
      yield* looping.next("trouble").pipe(Effect.raceFirst(Effect.forever(looping.pass(1_000))));
      yield* looping.askToStop;
      yield* looping.ended;

      // The sandbox itself runs git too.
      const roots = spans.filter(
        ({ parent, name }) => Option.isNone(parent) && name !== "git init",
      );
      assert.deepStrictEqual([...new Set(roots.map(({ name }) => name))], ["SYNC muster"]);
      const [first, ...others] = roots as [Tracer.NativeSpan, ...Array<Tracer.NativeSpan>];
      const faulty = others.at(-1)!;
      const idle = others.slice(0, -1);
      assert.deepStrictEqual([result(first), result(faulty)], ["success", "error"]);
      assert.deepStrictEqual([...new Set(idle.map(result))], ["skip"]);
      assert.strictEqual(first.attributes.get("vcs.ref.head.revision"), head);
      assert.match(String(first.attributes.get("cicd.pipeline.run.id")), /^[0-9a-f-]{36}$/u);
      const source = { repository: box.repository, environment: "default" };
      assert.strictEqual(first.links[0]?.span.traceId, commitSpan(source, head).traceId);
      assert.isUndefined(idle[0]?.attributes.get("cicd.pipeline.run.id"));
      assert.isString(faulty.attributes.get("error.type"));

      const below = spans.filter(({ traceId }) => traceId === first.traceId);
      for (const span of below) {
        const parent = Option.getOrNull(span.parent);
        if (parent === null) continue;
        assert.strictEqual(parent._tag, "Span", span.name);
        if (parent._tag !== "Span") continue;
        assert.isTrue(span.status.startTime >= parent.status.startTime, span.name);
        assert.isTrue(endOf(span) <= endOf(parent), span.name);
      }
      const parentsOf = (name: string) => [
        ...new Set(
          below
            .filter((span) => span.name === name)
            .map(({ parent }) => (Option.getOrNull(parent) as Tracer.Span | null)?.name),
        ),
      ];
      assert.deepStrictEqual(parentsOf("unit"), ["SYNC muster"]);
      assert.deepStrictEqual(parentsOf("tick"), ["SYNC muster"]);
      assert.deepStrictEqual(parentsOf("change create"), ["apply"]);
      assert.deepStrictEqual(parentsOf("publish"), ["SYNC muster"]);
      const idleNames = spans
        .filter(({ traceId }) => traceId === idle[0]?.traceId)
        .map(({ name }) => name);
      assert.include(idleNames, "git ls-remote");
      assert.notInclude(idleNames, "git push");
    }).pipe(Effect.scoped, Effect.provideService(Tracer.Tracer, tracer), Effect.provide(gitLayer));
  });
});
