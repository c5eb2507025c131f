// What a test can see and do behind the API's back, in this process and from another one.

import { readFile, stat } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import { seedIds, startOciSimulator, systemClock, virtualClock } from "../../src/oci/index.ts";
import { launch, refusalOf, simulated, stateOf, temporaryFolder } from "./clients.ts";

const { compartmentId } = seedIds;

const get = async (endpoint: string, name: string): Promise<unknown> =>
  (await fetch(`${endpoint}/simulator/${name}`)).json();

const post = async (endpoint: string, name: string, body: unknown = {}) =>
  fetch(`${endpoint}/simulator/${name}`, { method: "POST", body: JSON.stringify(body) });

it.effect("shows what was accepted and what was asked", () =>
  simulated({}, async (bench) => {
    const { simulator, account } = bench;
    await launch(bench, { freeformTags: { a: "1" } }, "token");
    await refusalOf(bench.compute.getInstance({ instanceId: "ocid1.instance.x" }));
    expect(simulator.journal()).toEqual([
      {
        seq: 1,
        at: simulator.now(),
        wallAt: expect.any(Number),
        operation: "LaunchInstance",
        instanceId: expect.stringMatching(/^ocid1\.instance\.oc1\.phx\.[a-z2-7]{60}$/),
        compartmentId,
        availabilityDomain: "Uocm:PHX-AD-1",
        faultDomain: expect.stringMatching(/^FAULT-DOMAIN-/),
        displayName: "web-1",
        freeformTags: { a: "1" },
        imageId: seedIds.imageId,
        token: "token",
        requestId: expect.stringContaining("/"),
        userId: account.userId,
        clientIp: "127.0.0.1",
      },
    ]);
    expect(
      simulator.requests().map(({ operation, status, code }) => [operation, status, code]),
    ).toEqual([
      ["LaunchInstance", 200, undefined],
      ["GetInstance", 404, "NotAuthorizedOrNotFound"],
    ]);
  }),
);

it.effect("lets instances appear, stop and die without a journal entry", () =>
  simulated({}, async (bench) => {
    const { compute, simulator } = bench;
    const foreign = simulator.addForeign({
      displayName: "theirs",
      freeformTags: { owner: "them" },
      createdAt: simulator.now() - 60_000,
    });
    expect(foreign).toMatchObject({ lifecycleState: "RUNNING", foreign: true });
    const { items } = await compute.listInstances({ compartmentId });
    expect(items).toMatchObject([{ displayName: "theirs", freeformTags: { owner: "them" } }]);
    expect(simulator.stop(foreign.id)).toBe(true);
    expect(await stateOf(bench, foreign.id)).toBe("STOPPED");
    expect(simulator.kill(foreign.id)).toBe(true);
    expect(await stateOf(bench, foreign.id)).toBe("TERMINATED");
    expect(simulator.kill("ocid1.instance.x")).toBe(false);
    expect(simulator.journal()).toEqual([]);
  }),
);

it.effect("is steered from another process under /simulator/", () =>
  simulated({}, async (bench) => {
    const { endpoint } = bench.simulator;
    const id = await launch(bench);
    expect(await get(endpoint, "journal")).toMatchObject([{ instanceId: id }]);
    expect(await get(endpoint, "requests")).toMatchObject([{ operation: "LaunchInstance" }]);
    await post(endpoint, "advance", { ms: 2_000 });
    expect(await get(endpoint, "instances")).toMatchObject([{ id, lifecycleState: "RUNNING" }]);
    await post(endpoint, "stop", { instanceId: id });
    expect(await get(endpoint, "instances")).toMatchObject([{ lifecycleState: "STOPPED" }]);
    await post(endpoint, "kill", { instanceId: id });
    expect(await get(endpoint, "instances")).toMatchObject([{ lifecycleState: "TERMINATED" }]);
    expect((await post(endpoint, "kill", { instanceId: id })).status).toBe(404);
    const foreign = await post(endpoint, "foreign", { displayName: "theirs" });
    expect(await foreign.json()).toMatchObject({ displayName: "theirs", foreign: true });
    const rules = [{ operation: "ListInstances", answer: "drop" }];
    await post(endpoint, "faults", { rules });
    expect(await get(endpoint, "faults")).toEqual(rules);
    expect(await refusalOf(bench.compute.listInstances({ compartmentId }))).toContain("network");
    await post(endpoint, "reset");
    expect(await get(endpoint, "instances")).toEqual([]);
    expect(await get(endpoint, "journal")).toEqual([]);
    expect((await bench.compute.listInstances({ compartmentId })).items).toEqual([]);
    expect((await fetch(`${endpoint}/simulator/nothing`)).status).toBe(404);
    expect((await post(endpoint, "advance", { ms: "soon" })).status).toBe(400);
    expect((await post(endpoint, "foreign", { createdAt: "soon" })).status).toBe(400);
    expect((await post(endpoint, "foreign", { lifecycleState: "GONE" })).status).toBe(400);
  }),
);

it.effect("does not let a web page steer it", () =>
  simulated({}, async ({ simulator }) => {
    const statusOf = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${simulator.endpoint}/simulator/journal`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .once("error", reject)
          .end();
      });
    expect(await statusOf({})).toBe(200);
    expect(await statusOf({ host: "evil.example" })).toBe(403);
    expect(await statusOf({ origin: "http://evil.example" })).toBe(403);
  }),
);

it.effect("appends accepted changes to a file before it answers", () =>
  Effect.gen(function* () {
    const journalFile = join(yield* temporaryFolder, "journal.jsonl");
    const faults = [{ operation: "LaunchInstance", answer: "cut" }] as const;
    yield* simulated({ journalFile, faults }, async (bench) => {
      for (const token of ["one", "two", "two"]) await refusalOf(launch(bench, {}, token));
      const lines = (await readFile(journalFile, "utf8")).trim().split("\n");
      expect(lines.map((line) => (JSON.parse(line) as { token: string }).token)).toEqual([
        "one",
        "two",
      ]);
      expect((await stat(journalFile)).mode & 0o777).toBe(0o600);
    });
  }),
);

it.effect("moves a virtual clock with each request when told so", () =>
  simulated({ clock: virtualClock({ advancePerRequestMs: 1_000 }) }, async (bench) => {
    const id = await launch(bench);
    expect(await stateOf(bench, id)).toBe("PROVISIONING");
    expect(await stateOf(bench, id)).toBe("RUNNING");
  }),
);

it.effect("runs with the machine's clock and can be moved on", () =>
  simulated({ clock: systemClock(), launchDelayMs: 3_600_000 }, async (bench) => {
    const id = await launch(bench);
    expect(Math.abs(bench.simulator.now() - Date.now())).toBeLessThan(60_000);
    expect(await stateOf(bench, id)).toBe("PROVISIONING");
    bench.simulator.advance(3_600_000);
    expect(await stateOf(bench, id)).toBe("RUNNING");
  }),
);

it.effect("ends with its scope and says why it cannot start", () =>
  Effect.gen(function* () {
    const endpoint = yield* Effect.scoped(
      Effect.map(startOciSimulator(), (simulator) => simulator.endpoint),
    );
    yield* Effect.promise(() => expect(fetch(endpoint)).rejects.toThrow("fetch failed"));
    const first = yield* startOciSimulator();
    const second = yield* Effect.exit(startOciSimulator({ port: first.port }));
    expect(Exit.isFailure(second)).toBe(true);
    expect(JSON.stringify(second)).toContain("EADDRINUSE");
  }),
);

it.effect("answers a defect of its own instead of hanging", () =>
  simulated(
    {
      clock: {
        ...virtualClock(),
        requestArrived: () => {
          throw new Error("planted");
        },
      },
    },
    async ({ compute }) => {
      expect(await refusalOf(compute.listInstances({ compartmentId }))).toBe("500 SimulatorDefect");
    },
  ),
);
