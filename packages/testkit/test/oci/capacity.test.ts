// How much room there is: hosts of a place, the service limit, and quotas of compartments.

import { expect, it } from "@effect/vitest";
import { seedIds } from "../../src/oci/index.ts";
import { ad, launch, refusalOf, simulated, type Bench } from "./clients.ts";

const { compartmentId } = seedIds;
const full = "500 InternalError";

const tokens = (many: number): readonly string[] =>
  Array.from({ length: many }, (_, index) => `token-${index}`);

const launches = async (bench: Bench, many: number, where = {}): Promise<readonly string[]> => {
  const told: string[] = [];
  for (const token of tokens(many)) told.push(await refusalOf(launch(bench, where, token)));
  return told;
};

it.effect("has so many hosts in an availability domain, and no more [launch.hosts]", () =>
  simulated({ capacity: [{ availabilityDomain: ad(1), hosts: 2 }] }, async (bench) => {
    expect(await launches(bench, 3)).toEqual(["accepted", "accepted", full]);
    // A repeated token finds its instance; another domain has room; one that is gone makes room.
    expect(await refusalOf(launch(bench, {}, "token-0"))).toBe("accepted");
    expect(await refusalOf(launch(bench, { availabilityDomain: ad(2) }, "elsewhere"))).toBe(
      "accepted",
    );
    const instanceId = bench.simulator.journal()[0]?.instanceId ?? "";
    await bench.compute.terminateInstance({ instanceId });
    expect(await refusalOf(launch(bench, {}, "token-2"))).toBe(full);
    bench.simulator.advance(1_000);
    expect(await refusalOf(launch(bench, {}, "token-2"))).toBe("accepted");
  }),
);

it.effect("picks a fault domain that has room, and refuses one that has none", () =>
  simulated(
    {
      capacity: [1, 2].map((number) => ({
        availabilityDomain: ad(1),
        faultDomain: `FAULT-DOMAIN-${number}`,
        hosts: number - 1,
      })),
    },
    async (bench) => {
      const inFirst = { faultDomain: "FAULT-DOMAIN-1" };
      expect(await refusalOf(launch(bench, inFirst, "first"))).toBe(full);
      expect(await launches(bench, 4)).toEqual(["accepted", "accepted", "accepted", "accepted"]);
      const places = bench.simulator.instances().map(({ faultDomain }) => faultDomain);
      expect(places.filter((place) => place === "FAULT-DOMAIN-1")).toEqual([]);
      expect(places.filter((place) => place === "FAULT-DOMAIN-2")).toHaveLength(1);
    },
  ),
);

it.effect("accepts a launch and lets its work request tell that no host is left", () =>
  simulated(
    { capacity: [{ availabilityDomain: ad(1), hosts: 0, toldBy: "workRequest" }] },
    async (bench) => {
      const instanceId = await launch(bench);
      bench.simulator.advance(2_000);
      const { instance } = await bench.compute.getInstance({ instanceId });
      expect(instance.lifecycleState).toBe("TERMINATED");
      const { items } = await bench.workRequests.listWorkRequests({ compartmentId });
      const workRequestId = items[0]?.id ?? "";
      const errors = await bench.workRequests.listWorkRequestErrors({ workRequestId });
      expect(errors.items).toMatchObject([
        { code: "InternalError", message: "Out of host capacity." },
      ]);
    },
  ),
);

it.effect("refuses more instances than a compartment's quota [launch.quota-exceeded]", () =>
  simulated({ quotas: [{ compartmentId, instances: 1 }] }, async (bench) => {
    expect(await launches(bench, 2)).toEqual(["accepted", "400 QuotaExceeded"]);
  }),
);
