// What ListInstances and GetInstance show, in which order, and when.

import { expect, it } from "@effect/vitest";
import type * as core from "oci-core";
import { seedIds } from "../../src/oci/index.ts";
import { ad, launch, refusalOf, simulated, type Bench } from "./clients.ts";

const { compartmentId } = seedIds;

const names = async (
  { compute }: Bench,
  request: Partial<core.requests.ListInstancesRequest> = {},
) =>
  (await compute.listInstances({ compartmentId, ...request })).items.map(
    (instance) => instance.displayName,
  );

/** All pages, each as its names. */
const pages = async ({ compute }: Bench, request: Partial<core.requests.ListInstancesRequest>) => {
  const found: Array<ReadonlyArray<string | undefined>> = [];
  let page: string | undefined;
  do {
    const answer = await compute.listInstances({
      compartmentId,
      ...request,
      ...(page === undefined ? {} : { page }),
    });
    found.push(answer.items.map((instance) => instance.displayName));
    page = answer.opcNextPage || undefined;
  } while (page !== undefined);
  return found;
};

/** Launches `a` to `e` in turn into domains 2, 1, 2, 1, 3, one second apart. */
const fill = async (bench: Bench): Promise<readonly string[]> => {
  const ids: string[] = [];
  for (const [displayName, place] of [
    ["a", 2],
    ["b", 1],
    ["c", 2],
    ["d", 1],
    ["e", 3],
  ] as const) {
    ids.push(await launch(bench, { displayName, availabilityDomain: ad(place) }));
    bench.simulator.advance(1_000);
  }
  return ids;
};

it.effect("needs a known compartment [list.compartment]", () =>
  simulated({}, async ({ compute }) => {
    const list = (id: string) => refusalOf(compute.listInstances({ compartmentId: id }));
    expect(await list("")).toBe("400 MissingParameter");
    expect(await list("ocid1.compartment.oc1..other")).toBe("404 NotAuthorizedOrNotFound");
    expect(await list(seedIds.networkCompartmentId)).toBe("accepted");
  }),
);

it.effect("filters by domain, exact name and state [list.filters]", () =>
  simulated({ launchDelayMs: 1_500 }, async (bench) => {
    await fill(bench);
    bench.simulator.addForeign({ displayName: "aa", lifecycleState: "STOPPED" });
    expect(await names(bench, { availabilityDomain: ad(2) })).toEqual(["c", "a"]);
    expect(await names(bench, { displayName: "a" })).toEqual(["a"]);
    expect(await names(bench, { lifecycleState: "PROVISIONING" })).toEqual(["e"]);
    expect(await names(bench, { lifecycleState: "stopped" })).toEqual(["aa"]);
    const wrong = bench.compute.listInstances({ compartmentId, lifecycleState: "GONE" });
    expect(await refusalOf(wrong)).toBe("400 InvalidParameter");
  }),
);

it.effect("groups by availability domain, then sorts [list.grouped]", () =>
  simulated({}, async (bench) => {
    await fill(bench);
    const by = (sortBy: "TIMECREATED" | "DISPLAYNAME", sortOrder?: "ASC" | "DESC") =>
      names(bench, {
        sortBy,
        ...(sortOrder === undefined ? {} : { sortOrder }),
      } as Partial<core.requests.ListInstancesRequest>);
    expect(await names(bench)).toEqual(["d", "b", "c", "a", "e"]);
    expect(await by("TIMECREATED", "ASC")).toEqual(["b", "d", "a", "c", "e"]);
    expect(await by("DISPLAYNAME")).toEqual(["b", "d", "a", "c", "e"]);
    expect(await by("DISPLAYNAME", "DESC")).toEqual(["d", "b", "c", "a", "e"]);
    bench.simulator.addForeign({ displayName: "bb" });
    expect(await by("DISPLAYNAME", "DESC")).toEqual(["d", "bb", "b", "c", "a", "e"]);
  }),
);

it.effect("pages until there is no next page [list.paging]", () =>
  simulated({ pageSize: 2 }, async (bench) => {
    await fill(bench);
    expect(await pages(bench, {})).toEqual([["d", "b"], ["c", "a"], ["e"]]);
    expect(await pages(bench, { limit: 1 })).toHaveLength(5);
    const { opcNextPage } = await bench.compute.listInstances({ compartmentId });
    const list = (request: Partial<core.requests.ListInstancesRequest>) =>
      refusalOf(bench.compute.listInstances({ compartmentId, ...request }));
    expect(await list({ page: opcNextPage, displayName: "a" })).toBe("400 InvalidParameter");
    expect(await list({ page: "nonsense" })).toBe("400 InvalidParameter");
    expect(await list({ limit: 1_001 })).toBe("400 InvalidParameter");
  }),
);

it.effect("hides nothing when items vanish between pages [list.paging]", () =>
  simulated({ pageSize: 2, terminateDelayMs: 0 }, async (bench) => {
    const ids = await fill(bench);
    const request = { compartmentId, lifecycleState: "RUNNING" };
    bench.simulator.advance(5_000);
    const first = await bench.compute.listInstances(request);
    expect(first.items.map((item) => item.displayName)).toEqual(["d", "b"]);
    await bench.compute.terminateInstance({ instanceId: ids[3] ?? "" });
    const second = await bench.compute.listInstances({ ...request, page: first.opcNextPage });
    expect(second.items.map((item) => item.displayName)).toEqual(["c", "a"]);
  }),
);

it.effect("may answer an empty page that still has a next one [list.empty-page]", () =>
  simulated({ pageSize: 2, emptyPages: true }, async (bench) => {
    await fill(bench);
    expect(await pages(bench, {})).toEqual([["d", "b"], [], ["c", "a"], [], ["e"]]);
  }),
);

it.effect("lags behind launches and terminations, Get does not [list.lag]", () =>
  simulated({ listLagMs: 3_000, terminateDelayMs: 0 }, async (bench) => {
    const instanceId = await launch(bench);
    const states = async () =>
      (await bench.compute.listInstances({ compartmentId })).items.map(
        (instance) => instance.lifecycleState,
      );
    const state = async () =>
      (await bench.compute.getInstance({ instanceId })).instance.lifecycleState;
    expect(await states()).toEqual([]);
    expect(await state()).toBe("PROVISIONING");
    bench.simulator.advance(2_999);
    expect(await states()).toEqual([]);
    expect(await state()).toBe("RUNNING");
    bench.simulator.advance(1);
    expect(await states()).toEqual(["PROVISIONING"]);
    bench.simulator.advance(2_000);
    expect(await states()).toEqual(["RUNNING"]);
    await bench.compute.terminateInstance({ instanceId });
    expect(await state()).toBe("TERMINATED");
    expect(await states()).toEqual(["RUNNING"]);
    bench.simulator.advance(3_000);
    expect(await states()).toEqual(["TERMINATED"]);
  }),
);

it.effect("answers 404 for what is not there [get.missing]", () =>
  simulated({}, async ({ compute, network, workRequests }) => {
    const gone = "404 NotAuthorizedOrNotFound";
    expect(await refusalOf(compute.getInstance({ instanceId: "ocid1.instance.x" }))).toBe(gone);
    expect(await refusalOf(compute.getImage({ imageId: "ocid1.image.x" }))).toBe(gone);
    expect(await refusalOf(network.getSubnet({ subnetId: "ocid1.subnet.x" }))).toBe(gone);
    expect(await refusalOf(network.getVnic({ vnicId: "ocid1.vnic.x" }))).toBe(gone);
    expect(await refusalOf(workRequests.getWorkRequest({ workRequestId: "ocid1.x" }))).toBe(gone);
  }),
);
