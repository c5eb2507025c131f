// Applies a fleet inside an application that traces itself: muster's spans are children of its span.

import { trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { createMuster } from "@muster/sdk";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";

const fleet = {
  kind: "FakeFleet",
  metadata: { name: "shop" },
  spec: { groups: [{ name: "web", count: 2 }] },
};

// The application's own set-up; where it sends its spans is its own affair.
const kept = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(kept)] });
provider.register();

const muster = createMuster({
  plugins: [fakePlugin(makeFakeCloud())],
  owner: "embed",
  pace: { pollMillis: 50 },
});

await trace.getTracer("shop").startActiveSpan("open the shop", async (span) => {
  await muster.apply([{ file: "shop.json", text: JSON.stringify(fleet) }]);
  span.end();
});
await muster.close();

const spans = kept.getFinishedSpans();
const show = (parent: string | undefined, depth: number): void => {
  const below = spans.filter((span) => span.parentSpanContext?.spanId === parent);
  for (const name of new Set(below.map((span) => span.name))) {
    const same = below.filter((span) => span.name === name);
    console.log(`${"  ".repeat(depth)}${name}${same.length > 1 ? ` x ${same.length}` : ""}`);
    show(same[0]?.spanContext().spanId, depth + 1);
  }
};
show(undefined, 0);
await provider.shutdown();
