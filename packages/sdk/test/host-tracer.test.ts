// Holds that inside an application with the real NodeSDK our spans are children of its active span.

import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest";
import { context, type Span, trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import * as Effect from "effect/Effect";
import * as Tracer from "effect/Tracer";
import { layerMemory } from "@muster/core/store/memory";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import type { Plugin } from "@muster/core/words/kind";
import { createMuster, plan } from "../src/index.ts";
import { fleet, turnOf } from "./fleet.ts";

interface EndedSpan {
  readonly name: string;
  readonly parentSpanContext?: { readonly spanId: string };
  readonly spanContext: () => { readonly traceId: string; readonly spanId: string };
  readonly startTime: readonly [number, number];
  readonly duration: readonly [number, number];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code: number };
  readonly events: ReadonlyArray<{ readonly name: string }>;
}

const ended: Array<EndedSpan> = [];

const sdk = new NodeSDK({
  serviceName: "application",
  autoDetectResources: false,
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: (span) => void ended.push(span),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  ],
});

beforeAll(() => sdk.start());
afterAll(() => sdk.shutdown());

const application = trace.getTracer("application");

/** A request of the application, with its own span around what it does. */
const request = <A>(name: string, act: (span: Span) => Promise<A>): Promise<A> =>
  application.startActiveSpan(name, async (span) => {
    try {
      return await act(span);
    } finally {
      span.end();
    }
  });

const spansOf = ({ traceId }: { readonly traceId: string }) =>
  ended.filter((span) => span.spanContext().traceId === traceId);

const childrenOf = (spanId: string) =>
  ended.filter(({ parentSpanContext }) => parentSpanContext?.spanId === spanId);

/** The plugin whose provider is itself instrumented: it makes a span of its own in each call. */
const instrumented = (plugin: Plugin): Plugin => ({
  ...plugin,
  handler: (resource) =>
    Effect.map(plugin.handler(resource), (handler) => ({
      ...handler,
      create: (asked) =>
        Effect.andThen(
          Effect.promise(async () => {
            await Promise.resolve();
            application.startSpan("vendor call").end();
          }),
          handler.create(asked),
        ),
    })),
});

const client = (tracing?: "auto" | "off") => {
  const cloud = makeFakeCloud();
  const options = turnOf(cloud);
  return createMuster({
    ...options,
    plugins: [instrumented(fakePlugin(cloud))],
    pace: { pollMillis: 1, pollMaxMillis: 5 },
    ...(tracing === undefined ? {} : { tracing }),
  });
};

describe("an application with the real NodeSDK", () => {
  it("finds our spans below its own, through promises and side by side", async () => {
    const roots = await Promise.all(
      ["first", "second"].map((name) =>
        request(name, async (span) => {
          const muster = client();
          await Promise.resolve();
          await muster.apply(fleet(name === "first" ? 2 : 3));
          // What the application does afterwards is the child of its own span again.
          application.startSpan(`${name} after`).end();
          assert.strictEqual(trace.getSpan(context.active()), span);
          await muster.close();
          return span.spanContext();
        }),
      ),
    );
    assert.notStrictEqual(roots[0]!.traceId, roots[1]!.traceId);
    for (const [index, root] of roots.entries()) {
      const spans = spansOf(root);
      const names = childrenOf(root.spanId).map(({ name }) => name);
      assert.include(names, "reconcileOnce");
      assert.include(names, `${["first", "second"][index]} after`);
      assert.isAbove(spans.filter(({ name }) => name === "plan").length, 0);
      const known = new Set([root.spanId, ...spans.map((span) => span.spanContext().spanId)]);
      for (const { name, parentSpanContext } of spans) {
        if (name === "first" || name === "second") continue;
        assert.isTrue(known.has(parentSpanContext?.spanId ?? ""), name);
      }
    }
    const creates = ended.filter(({ name }) => name === "change create");
    assert.strictEqual(creates.length, 5);
    for (const create of creates) {
      assert.strictEqual(create.attributes["muster.result"], "done");
      const parent = ended.find(
        (span) => span.spanContext().spanId === create.parentSpanContext?.spanId,
      );
      assert.strictEqual(parent?.name, "apply");
      const below = childrenOf(create.spanContext().spanId).map(({ name }) => name);
      assert.include(below, "vendor call");
      assert.isTrue(Math.abs(create.startTime[0] - Date.now() / 1_000) < 60);
      assert.isAtLeast(create.duration[0], 0);
    }
  });

  it("finds the error of a call in its span", async () => {
    const muster = client();
    const root = await request("faulty", async (span) => {
      await muster.plan([{ file: "x.json", text: '{"kind":"FakeFleet"}' }]);
      return span.spanContext();
    });
    await muster.close();
    const read = spansOf(root).find(({ name }) => name === "read");
    assert.strictEqual(read?.status.code, 2);
    assert.deepStrictEqual(
      read?.events.map(({ name }) => name),
      ["exception"],
    );
    assert.strictEqual(read?.attributes["error.type"], "FaultyDocuments");
  });

  it("finds none when it says so", async () => {
    const muster = client("off");
    const root = await request("alone", async (span) => {
      await muster.plan(fleet(1));
      return span.spanContext();
    });
    await muster.close();
    assert.deepStrictEqual(
      spansOf(root).map(({ name }) => name),
      ["alone"],
    );
  });

  it("finds none where a tracer of Effect is there already", async () => {
    const seen: Array<string> = [];
    const own = Tracer.make({
      span: (options) => {
        seen.push(options.name);
        return new Tracer.NativeSpan(options);
      },
    });
    const turn = { ...turnOf(makeFakeCloud()), sources: fleet(1) };
    const asEffect = plan(turn).pipe(Effect.provide(layerMemory));
    const roots = await Promise.all(
      [asEffect, Effect.provideService(asEffect, Tracer.Tracer, own)].map((effect, index) =>
        request(`effect ${index}`, async (span) => {
          await Effect.runPromise(effect);
          return span.spanContext();
        }),
      ),
    );
    assert.include(
      childrenOf(roots[0]!.spanId).map(({ name }) => name),
      "reconcileOnce",
    );
    assert.deepStrictEqual(childrenOf(roots[1]!.spanId), []);
    assert.include(seen, "reconcileOnce");
  });
});
