// Holds what a look at many documents costs and shows, and that half a list shows nothing.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { type Observation, ProviderError } from "@muster/core/words/provider";
import { templateMark, type Expansion } from "@muster/core/words/set";
import { defaultSeed, seedIds } from "@muster/testkit/oci/index";
import type { OciApi, OciInstance } from "../src/api.ts";
import type { Connections } from "../src/connections.ts";
import { observe } from "../src/observe.ts";
import { marksOf } from "../src/sighting.ts";
import {
  countCalls,
  createRequest,
  makeExpansion,
  makeWorld,
  member,
  observeOne,
  owner,
  place,
} from "./fleet.ts";

const expansion = makeExpansion();

const membersOf = (seen: Observation): ReadonlyArray<string> => {
  assert.isTrue(seen.complete);
  return seen.complete ? seen.members.map(({ id }) => id) : [];
};

const blockersOf = (seen: Observation) => {
  assert.isTrue(seen.complete);
  return seen.complete ? seen.blockers : [];
};

const marked = (slot: number, asked: Expansion = expansion) => ({
  freeformTags: marksOf({
    document: asked.document.name,
    owner,
    name: member(slot),
    template: templateMark(asked.sets[0]!.template),
  }),
});

describe("the members of a document", () => {
  it.effect("are read from every page, dead ones included, in one order", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ pageSize: 2, emptyPages: true });
      const three = simulator.addForeign(marked(3));
      const gone = simulator.addForeign({ ...marked(2), lifecycleState: "TERMINATED" });
      simulator.addForeign({ displayName: "not ours" });
      const one = simulator.addForeign(marked(1));
      const unowned = simulator.addForeign({ freeformTags: { "fleetctl-fleet": "shop" } });
      const seen = yield* observeOne(handler, expansion);
      assert.deepStrictEqual(membersOf(seen), [one.id, gone.id, three.id, unowned.id]);
    }),
  );

  it.effect("are found under the document's former name, too", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = simulator.addForeign(marked(1));
      const renamed = makeExpansion({ name: "store", previousName: "shop" });
      const seen = yield* observeOne(handler, renamed);
      assert.deepStrictEqual(membersOf(seen), [id]);
      assert.deepStrictEqual(
        membersOf(yield* observeOne(handler, makeExpansion({ name: "x" }))),
        [],
      );
    }),
  );

  it.effect("are completed by those that the store knows and a lagging list does not show", () =>
    Effect.gen(function* () {
      const { handler } = yield* makeWorld({ listLagMs: 60_000 });
      const { id } = yield* handler.create(createRequest(expansion));
      assert.deepStrictEqual(membersOf(yield* observeOne(handler, expansion)), []);
      const seen = yield* observeOne(handler, expansion, [id, id, "ocid1.instance.oc1..absent"]);
      assert.deepStrictEqual(membersOf(seen), [id]);
    }),
  );

  it.effect("are unknown for the document whose known member cannot be read", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ listLagMs: 60_000 });
      const answer = { status: 500, code: "InternalServerError", message: "broken" };
      simulator.faults.add({ operation: "GetInstance", answer });
      const [blind, seen] = yield* handler.observe([
        { expansion, known: ["ocid1.instance.oc1..x"] },
        { expansion: makeExpansion({ name: "store" }), known: [] },
      ]);
      assert.isFalse(blind?.complete);
      assert.isTrue(seen?.complete);
    }),
  );
});

describe("a list that was read by half", () => {
  const fill = (simulator: { readonly addForeign: (one: object) => unknown }) => {
    for (const slot of [1, 2, 3, 4, 5]) simulator.addForeign(marked(slot));
  };

  it.effect("decides nothing", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ pageSize: 2 });
      fill(simulator);
      for (const answer of [
        { status: 500, code: "InternalServerError", message: "broken" },
        "drop",
        "tear",
      ] as const) {
        simulator.faults.set([{ operation: "ListInstances", nth: 2, answer }]);
        const seen = yield* observeOne(handler, expansion);
        assert.isFalse(seen.complete);
        if (!seen.complete) assert.strictEqual(seen.error.reason, "Unreachable");
      }
      simulator.faults.clear();
      assert.strictEqual(membersOf(yield* observeOne(handler, expansion)).length, 5);
    }),
  );

  it.effect("is refused with the reason that the provider gave", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const answer = { status: 404, code: "NotAuthorizedOrNotFound", message: "no" };
      simulator.faults.add({ operation: "ListInstances", answer });
      const seen = yield* observeOne(handler, expansion);
      assert.isFalse(seen.complete);
      if (seen.complete) return;
      assert.strictEqual(seen.error.reason, "Denied");
      assert.include(seen.error.remedy ?? "", "us-phoenix-1");
      assert.isString(seen.error.requestId);
    }),
  );
});

describe("what a look costs", () => {
  it.effect("is one list for all documents of an account and compartment", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const names = ["shop", "store", "mall", "kiosk"];
      const requests = names.map((name) => ({
        expansion: makeExpansion({ name, count: 0 }),
        known: [],
      }));
      const seen = yield* handler.observe(requests);
      assert.deepStrictEqual(
        seen.map(({ document }) => document.name),
        names,
      );
      assert.deepStrictEqual(countCalls(simulator), {
        ListInstances: 1,
        ListAvailabilityDomains: 1,
      });
    }),
  );

  it.effect("is one request in a settled fleet", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      simulator.addForeign(marked(1));
      yield* observeOne(handler, expansion);
      const before = simulator.requests().length;
      yield* observeOne(handler, expansion);
      yield* observeOne(handler, expansion);
      assert.strictEqual(simulator.requests().length - before, 2);
      assert.isUndefined(countCalls(simulator)["GetImage"]);
    }),
  );

  it.effect("asks for image and subnet where members are missing, once in five minutes", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      yield* observeOne(handler, expansion);
      yield* TestClock.adjust("4 minutes");
      yield* observeOne(handler, expansion);
      const calls = countCalls(simulator);
      assert.strictEqual(calls["GetImage"], 1);
      assert.strictEqual(calls["GetSubnet"], 1);
      assert.strictEqual(calls["ListAvailabilityDomains"], 1);
      yield* TestClock.adjust("2 minutes");
      yield* observeOne(handler, expansion);
      assert.strictEqual(countCalls(simulator)["GetImage"], 2);
    }),
  );

  it.effect("asks again at once for what was not good, and where the template changed", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      simulator.addForeign(marked(1));
      const changed = makeExpansion({ template: { imageId: "ocid1.image.oc1..absent" } });
      yield* observeOne(handler, changed);
      yield* observeOne(handler, changed);
      assert.strictEqual(countCalls(simulator)["GetImage"], 2);
    }),
  );
});

describe("a compartment of many instances", () => {
  for (const [count, pages] of [
    [1_000, 1],
    [1_001, 2],
  ] as const) {
    it.effect(`is read by ${pages} of the largest pages where there are ${count}`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* makeWorld({ pageSize: 1_000 });
        for (let slot = 1; slot <= count; slot += 1) simulator.addForeign(marked(slot));
        const seen = yield* observeOne(handler, makeExpansion({ count }));
        assert.strictEqual(membersOf(seen).length, count);
        assert.deepStrictEqual(countCalls(simulator), {
          ListInstances: pages,
          ListAvailabilityDomains: 1,
        });
      }),
    );
  }
});

describe("a compartment of many documents", () => {
  const documents = 2_000;
  const perDocument = 3;

  /** A list that counts how often its instances are asked for their tags and identifiers. */
  const countingList = () => {
    const reads = { tags: 0, ids: 0 };
    const list = Array.from({ length: documents * perDocument }, (_, index): OciInstance => {
      const name = `fleet-${index % documents}`;
      // The later in the list, the lower the slot: members come out in their own order.
      const slot = perDocument - Math.floor(index / documents);
      const { freeformTags } = marked(slot, makeExpansion({ name }));
      return {
        displayName: `${name}-${slot}`,
        lifecycleState: "RUNNING",
        timeCreated: "2026-01-01T00:00:00.000Z",
        availabilityDomain: place,
        faultDomain: null,
        etag: null,
        get id() {
          reads.ids += 1;
          return `${name}/${slot}`;
        },
        get freeformTags() {
          reads.tags += 1;
          return freeformTags;
        },
      };
    });
    return { list, reads };
  };

  const connectionsTo = (list: ReadonlyArray<OciInstance>): Connections => {
    const refused = new ProviderError({
      reason: "Invalid",
      operation: "none",
      message: "nothing but the list is there to be asked",
    });
    const unasked = () => Effect.fail(refused);
    const api: OciApi = {
      region: "us-phoenix-1",
      tenancyId: "tenancy",
      account: "nobody",
      listInstances: unasked,
      getInstance: (id) => (id.endsWith("/absent") ? Effect.succeed(null) : unasked()),
      launchInstance: unasked,
      updateInstance: unasked,
      terminateInstance: unasked,
      getWorkRequest: unasked,
      listWorkRequestErrors: unasked,
      listAvailabilityDomains: unasked,
      listFaultDomains: unasked,
      getImage: unasked,
      getSubnet: unasked,
      listVnics: unasked,
      getVnic: unasked,
    };
    const facts = {
      domains: () => Effect.succeed([place]),
      faultDomains: unasked,
      image: unasked,
      subnet: unasked,
      address: unasked,
    };
    const connection = { api, instances: () => Effect.succeed(list), facts };
    return { connect: () => Effect.succeed(connection) };
  };

  const requestsFor = (known: (name: string) => ReadonlyArray<string>) =>
    Array.from({ length: documents }, (_, index) => `fleet-${index}`).map((name) => ({
      expansion: makeExpansion({ name, count: perDocument }),
      known: known(name),
    }));

  const slotsOf = (name: string) => [1, 2, 3].map((slot) => `${name}/${slot}`);

  it.effect("is read a few times in all, not once per document", () =>
    Effect.gen(function* () {
      const { list, reads } = countingList();
      const seen = yield* observe(
        connectionsTo(list),
        requestsFor(() => []),
      );
      // Once to find its document, once to be shown.
      assert.deepStrictEqual(reads, { tags: 2 * list.length, ids: list.length });
      for (const one of seen) {
        assert.deepStrictEqual(membersOf(one), slotsOf(one.document.name));
      }
    }),
  );

  it.effect("is read no more often where every document knows its members", () =>
    Effect.gen(function* () {
      const { list, reads } = countingList();
      const requests = requestsFor((name) => [...slotsOf(name), `${name}/absent`]);
      const seen = yield* observe(connectionsTo(list), requests);
      assert.deepStrictEqual(reads, { tags: 2 * list.length, ids: 2 * list.length });
      for (const one of seen) {
        assert.deepStrictEqual(membersOf(one), slotsOf(one.document.name));
      }
    }),
  );
});

describe("what would stop a launch", () => {
  it.effect("is an availability domain that may be several, or none", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({
        seed: {
          ...defaultSeed,
          availabilityDomains: ["Uocm:PHX-AD-1", "Uocm:IAD-AD-1", "Uocm:PHX-AD-2"],
        },
      });
      const seen = yield* observeOne(handler, expansion);
      const [blocker] = blockersOf(seen);
      assert.strictEqual(blocker?.reason, "Invalid");
      assert.include(blocker?.message, "Uocm:IAD-AD-1, Uocm:PHX-AD-1");
      if (seen.complete) assert.deepStrictEqual(seen.places, { web: { spread: [], fallback: [] } });
      const absent = makeExpansion({ template: { availabilityDomain: "AD-9" } });
      const [none] = blockersOf(yield* observeOne(handler, absent));
      assert.include(none?.remedy, "Uocm:PHX-AD-2");
      assert.strictEqual(simulator.instances().length, 0);
    }),
  );

  it.effect("is an image or a subnet that is absent or not permitted", () =>
    Effect.gen(function* () {
      const { handler } = yield* makeWorld();
      const asked = makeExpansion({
        template: { imageId: "ocid1.image.oc1..x", subnetId: "ocid1.subnet.oc1..x" },
      });
      const blockers = blockersOf(yield* observeOne(handler, asked));
      assert.strictEqual(blockers.length, 2);
      for (const blocker of blockers) {
        assert.strictEqual(blocker.reason, "Denied");
        assert.include(blocker.message, "absent, or this account may not see it");
      }
    }),
  );

  it.effect("is a subnet of another availability domain", () =>
    Effect.gen(function* () {
      const { handler } = yield* makeWorld();
      const template = { subnetId: seedIds.adSubnetId, availabilityDomain: "AD-2" };
      const [blocker] = blockersOf(yield* observeOne(handler, makeExpansion({ template })));
      assert.strictEqual(blocker?.reason, "Invalid");
      assert.include(blocker?.remedy, "Uocm:PHX-AD-1");
      const fits = makeExpansion({ template: { subnetId: seedIds.adSubnetId } });
      assert.deepStrictEqual(blockersOf(yield* observeOne(handler, fits)), []);
      const shared = makeExpansion({ template: { subnetId: seedIds.sharedSubnetId } });
      assert.deepStrictEqual(blockersOf(yield* observeOne(handler, shared)), []);
    }),
  );

  it.effect("never hides the members", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = simulator.addForeign(marked(1));
      const answer = { status: 503, code: "ServiceUnavailable", message: "later" };
      simulator.faults.add({ operation: "ListAvailabilityDomains", answer });
      const seen = yield* observeOne(handler, expansion);
      assert.deepStrictEqual(membersOf(seen), [id]);
      assert.deepStrictEqual(
        blockersOf(seen).map(({ reason }) => reason),
        ["Unreachable"],
      );
    }),
  );
});

describe("the text of a document", () => {
  it.effect("stays one value of a query, whatever is in it", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const compartmentId = `${seedIds.compartmentId}&limit=1#+ é`;
      const scope = { ...expansion.scope, compartmentId };
      const seen = yield* observeOne(handler, { ...expansion, scope });
      assert.isFalse(seen.complete);
      const [request] = simulator.requests();
      const query = new URL(request?.target ?? "", simulator.endpoint).searchParams;
      assert.strictEqual(query.get("compartmentId"), compartmentId);
      assert.deepStrictEqual(query.getAll("limit"), ["1000"]);
      assert.isUndefined(request?.signatureFailure);
    }),
  );
});

describe("accounts that cannot be used", () => {
  it.effect("blind their own documents only", () =>
    Effect.gen(function* () {
      const { handler } = yield* makeWorld();
      const lost = makeExpansion({ name: "lost", auth: { configFile: "/nowhere/config" } });
      const odd = { ...makeExpansion({ name: "odd" }), scope: { compartmentId: 7 } };
      const seen = yield* handler.observe([
        { expansion: lost, known: [] },
        { expansion, known: [] },
        { expansion: odd, known: [] },
      ]);
      assert.deepStrictEqual(
        seen.map((one) => (one.complete ? "seen" : one.error.reason)),
        ["Denied", "seen", "Invalid"],
      );
    }),
  );

  it.effect("are read again after OCI refused the signature", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      assert.isTrue((yield* observeOne(handler, expansion)).complete);
      const answer = { status: 401, code: "NotAuthenticated", message: "no" };
      simulator.faults.add({ operation: "ListInstances", nth: 1, answer });
      const refused = yield* observeOne(handler, expansion);
      assert.isFalse(refused.complete);
      if (!refused.complete) assert.strictEqual(refused.error.reason, "Denied");
      assert.isTrue((yield* observeOne(handler, expansion)).complete);
      // A new connection knows no facts yet.
      assert.strictEqual(countCalls(simulator)["ListAvailabilityDomains"], 2);
    }),
  );
});
