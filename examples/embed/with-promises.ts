// Plans and applies a fleet with promises alone: events by callback, and an AbortSignal to end a call.

import { createMuster } from "@muster/sdk";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";

const fleet = {
  kind: "FakeFleet",
  metadata: { name: "shop" },
  spec: { groups: [{ name: "web", count: 3 }] },
};
const sources = [{ file: "shop.json", text: JSON.stringify(fleet) }];

const cloud = makeFakeCloud();
const muster = createMuster({
  plugins: [fakePlugin(cloud)],
  owner: "embed",
  pace: { pollMillis: 50 },
});

const { plans } = await muster.plan(sources);
console.log(`planned ${plans.flatMap(({ changes }) => changes).length} changes`);

await muster.apply(sources, {
  signal: AbortSignal.timeout(60_000),
  onEvent: (event) => {
    if (event.type === "finished") {
      console.log(`${event.outcome.change.key}: ${event.outcome.result}`);
    }
  },
});
console.log(`now ${cloud.machines().length} machines`);

const ended = await muster
  .apply(sources, { signal: AbortSignal.abort(new Error("the user left")) })
  .then(() => "not at all", String);
console.log(`aborted: ${ended}`);

await muster.close();
