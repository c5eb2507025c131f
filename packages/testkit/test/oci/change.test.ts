// How instances change, stop and end, and what their work requests say.

import { expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { seedIds } from "../../src/oci/index.ts";
import { details, launch, refusalOf, simulated, stateOf, type Bench } from "./clients.ts";

const act = ({ compute }: Bench, instanceId: string, action: string): Promise<string> =>
  refusalOf(compute.instanceAction({ instanceId, action }));

const twelveHours = 12 * 3_600_000;

it.effect("changes name, tags and metadata [update.fields]", () =>
  simulated({}, async ({ compute, simulator, ...rest }) => {
    const instanceId = await launch({ compute, ...rest }, { freeformTags: { a: "1" } });
    const updateInstanceDetails = {
      displayName: "web-9",
      freeformTags: { b: "2" },
      definedTags: { ns: { k: "v" } },
      metadata: { m: "x" },
    };
    const answer = await compute.updateInstance({ instanceId, updateInstanceDetails });
    expect(answer.instance).toMatchObject(updateInstanceDetails);
    expect(answer.instance.freeformTags).toEqual({ b: "2" });
    expect(answer.opcWorkRequestId).toMatch(/^ocid1\.coreservicesworkrequest\./);
    simulator.advance(2_000);
    const { instance } = await compute.getInstance({ instanceId });
    expect(instance).toMatchObject({ lifecycleState: "RUNNING", displayName: "web-9" });
    expect(simulator.journal().at(-1)).toMatchObject({
      operation: "UpdateInstance",
      displayName: "web-9",
    });
  }),
);

it.effect("does not change what was fixed at the launch [update.fixed-metadata]", () =>
  simulated({}, async (bench) => {
    const instanceId = await launch(bench, { metadata: { ssh_authorized_keys: "k" } });
    const update = (metadata: Record<string, string>) =>
      refusalOf(bench.compute.updateInstance({ instanceId, updateInstanceDetails: { metadata } }));
    expect(await update({ ssh_authorized_keys: "other" })).toBe("400 InvalidParameter");
    expect(await update({ more: "x" })).toBe("400 InvalidParameter");
    expect(await update({ ssh_authorized_keys: "k", more: "x" })).toBe("accepted");
  }),
);

it.effect("refuses updates it does not simulate [update.only-simulated]", () =>
  simulated({}, async (bench) => {
    const instanceId = await launch(bench);
    const updateInstanceDetails = { shape: "VM.Standard2.1" };
    expect(
      await refusalOf(bench.compute.updateInstance({ instanceId, updateInstanceDetails })),
    ).toBe("400 InvalidParameter");
  }),
);

it.effect("refuses a stale if-match and changes nothing [etag.match]", () =>
  simulated({}, async (bench) => {
    const { compute, simulator } = bench;
    const instanceId = await launch(bench);
    const { etag } = await compute.getInstance({ instanceId });
    simulator.advance(2_000);
    const updateInstanceDetails = { displayName: "x" };
    const stale = { instanceId, ifMatch: etag };
    const mismatch = "412 NoEtagMatch";
    expect(await refusalOf(compute.updateInstance({ ...stale, updateInstanceDetails }))).toBe(
      mismatch,
    );
    expect(await refusalOf(compute.instanceAction({ ...stale, action: "STOP" }))).toBe(mismatch);
    expect(await refusalOf(compute.terminateInstance(stale))).toBe(mismatch);
    expect(simulator.journal()).toHaveLength(1);
    const fresh = (await compute.getInstance({ instanceId })).etag;
    expect(await refusalOf(compute.terminateInstance({ instanceId, ifMatch: fresh }))).toBe(
      "accepted",
    );
  }),
);

it.effect("gives each state and each update its own etag [etag.changes]", () =>
  simulated({}, async (bench) => {
    const { compute, simulator } = bench;
    const instanceId = await launch(bench);
    const etags: string[] = [];
    const note = async () => etags.push((await compute.getInstance({ instanceId })).etag);
    await note();
    simulator.advance(2_000);
    await note();
    await compute.updateInstance({ instanceId, updateInstanceDetails: { displayName: "x" } });
    await note();
    await compute.terminateInstance({ instanceId });
    await note();
    simulator.advance(1_000);
    await note();
    expect(new Set(etags).size).toBe(5);
    expect((await compute.getInstance({ instanceId })).etag).toBe(etags[4]);
  }),
);

it.effect("stops and starts [action.lifecycle]", () =>
  simulated({}, async (bench) => {
    const instanceId = await launch(bench);
    bench.simulator.advance(2_000);
    for (const action of ["STOP", "SOFTSTOP"]) {
      expect(await act(bench, instanceId, action)).toBe("accepted");
      expect(await stateOf(bench, instanceId)).toBe("STOPPING");
      bench.simulator.advance(1_000);
      expect(await stateOf(bench, instanceId)).toBe("STOPPED");
      expect(await act(bench, instanceId, "START")).toBe("accepted");
      expect(await stateOf(bench, instanceId)).toBe("STARTING");
      bench.simulator.advance(1_000);
      expect(await stateOf(bench, instanceId)).toBe("RUNNING");
    }
    expect(bench.simulator.journal().map((entry) => entry.action)).toEqual([
      undefined,
      "STOP",
      "START",
      "SOFTSTOP",
      "START",
    ]);
  }),
);

it.effect("resets through STOPPING and STARTING [action.reset]", () =>
  simulated({}, async (bench) => {
    const instanceId = await launch(bench);
    for (const action of ["RESET", "SOFTRESET"]) {
      bench.simulator.advance(2_000);
      expect(await act(bench, instanceId, action)).toBe("accepted");
      expect(await stateOf(bench, instanceId)).toBe("STOPPING");
      bench.simulator.advance(1_000);
      expect(await stateOf(bench, instanceId)).toBe("STARTING");
      bench.simulator.advance(1_000);
      expect(await stateOf(bench, instanceId)).toBe("RUNNING");
    }
  }),
);

it.effect("refuses actions that do not fit the state [action.state]", () =>
  simulated({}, async (bench) => {
    const instanceId = await launch(bench);
    expect(await act(bench, instanceId, "STOP")).toBe("409 IncorrectState");
    bench.simulator.advance(2_000);
    expect(await act(bench, instanceId, "START")).toBe("409 IncorrectState");
    expect(await act(bench, instanceId, "EXPLODE")).toBe("400 InvalidParameter");
    expect(bench.simulator.journal()).toHaveLength(1);
  }),
);

it.effect("terminates through TERMINATING [terminate.lifecycle]", () =>
  simulated({}, async (bench) => {
    const instanceId = await launch(bench);
    bench.simulator.advance(2_000);
    const answer = await bench.compute.terminateInstance({ instanceId, preserveBootVolume: true });
    expect(answer.opcWorkRequestId).toMatch(/^ocid1\.coreservicesworkrequest\./);
    expect(await stateOf(bench, instanceId)).toBe("TERMINATING");
    bench.simulator.advance(1_000);
    expect(await stateOf(bench, instanceId)).toBe("TERMINATED");
    expect(bench.simulator.journal().at(-1)).toMatchObject({
      operation: "TerminateInstance",
      instanceId,
      preserveBootVolume: true,
    });
  }),
);

it.effect("shows a terminated instance as long as it is told to", () =>
  simulated({ terminateDelayMs: 0, keptAfterEndMs: 1_000 }, async (bench) => {
    const instanceId = await launch(bench);
    await bench.compute.terminateInstance({ instanceId });
    bench.simulator.advance(999);
    expect(await stateOf(bench, instanceId)).toBe("TERMINATED");
    bench.simulator.advance(1);
    const gone = "404 NotAuthorizedOrNotFound";
    expect(await refusalOf(bench.compute.getInstance({ instanceId }))).toBe(gone);
  }),
);

it.effect("shows a terminated instance for twelve hours [terminate.kept]", () =>
  simulated({ terminateDelayMs: 0 }, async (bench) => {
    const { compute, simulator } = bench;
    const instanceId = await launch(bench);
    await compute.terminateInstance({ instanceId });
    const listed = async () =>
      (await compute.listInstances({ compartmentId: seedIds.compartmentId })).items.length;
    simulator.advance(twelveHours - 1);
    expect(await listed()).toBe(1);
    expect(await stateOf(bench, instanceId)).toBe("TERMINATED");
    simulator.advance(1);
    expect(await listed()).toBe(0);
    const gone = "404 NotAuthorizedOrNotFound";
    expect(await refusalOf(compute.getInstance({ instanceId }))).toBe(gone);
    expect(await refusalOf(compute.terminateInstance({ instanceId }))).toBe(gone);
    await launch(bench);
    expect(simulator.instances()).toHaveLength(1);
  }),
);

const terminateTwice = async (bench: Bench): Promise<readonly string[]> => {
  const instanceId = await launch(bench);
  bench.simulator.advance(2_000);
  await bench.compute.terminateInstance({ instanceId });
  const terminating = await refusalOf(bench.compute.terminateInstance({ instanceId }));
  bench.simulator.advance(1_000);
  const terminated = await refusalOf(bench.compute.terminateInstance({ instanceId }));
  expect(bench.simulator.journal()).toHaveLength(2);
  return [terminating, terminated];
};

it.effect("refuses a second termination with 409 [terminate.again]", () =>
  simulated({}, async (bench) => {
    const conflict = "409 IncorrectState";
    expect(await terminateTwice(bench)).toEqual([conflict, conflict]);
  }),
);

it.effect("refuses a second termination with 404 [terminate.again]", () =>
  simulated({ terminateAgain: "notFound" }, async (bench) => {
    const gone = "404 NotAuthorizedOrNotFound";
    expect(await terminateTwice(bench)).toEqual([gone, gone]);
  }),
);

it.effect("refuses a second termination as being modified [terminate.again]", () =>
  simulated({ terminateAgain: "modified" }, async (bench) => {
    expect(await terminateTwice(bench)).toEqual(["409 Conflict", "409 Conflict"]);
  }),
);

it.effect("terminates what is PROVISIONING, canceling the launch [terminate.provisioning]", () =>
  simulated({}, async (bench) => {
    const { compute, simulator, workRequests } = bench;
    const { instance, opcWorkRequestId } = await compute.launchInstance({
      launchInstanceDetails: details(),
    });
    await compute.terminateInstance({ instanceId: instance.id });
    const { workRequest } = await workRequests.getWorkRequest({ workRequestId: opcWorkRequestId });
    expect(workRequest.status).toBe("CANCELED");
    simulator.advance(5_000);
    expect(await stateOf(bench, instance.id)).toBe("TERMINATED");
  }),
);

it.effect("may refuse to terminate what is PROVISIONING [terminate.provisioning]", () =>
  Effect.gen(function* () {
    for (const [terminateProvisioning, refusal] of [
      ["conflict", "409 IncorrectState"],
      ["modified", "409 Conflict"],
    ] as const) {
      yield* simulated({ terminateProvisioning }, async (bench) => {
        const instanceId = await launch(bench);
        const call = () => refusalOf(bench.compute.terminateInstance({ instanceId }));
        expect(await call()).toBe(refusal);
        bench.simulator.advance(2_000);
        expect(await call()).toBe("accepted");
      });
    }
  }),
);

it.effect("follows a work request from ACCEPTED to SUCCEEDED [work-request.life]", () =>
  simulated({}, async ({ compute, simulator, workRequests }) => {
    const { instance, opcWorkRequestId: workRequestId } = await compute.launchInstance({
      launchInstanceDetails: details(),
    });
    const read = async () => (await workRequests.getWorkRequest({ workRequestId })).workRequest;
    expect(await read()).toMatchObject({
      operationType: "LaunchInstance",
      status: "ACCEPTED",
      percentComplete: 0,
      resources: [{ actionType: "IN_PROGRESS", entityType: "instance", identifier: instance.id }],
    });
    simulator.advance(1_000);
    expect(await read()).toMatchObject({ status: "IN_PROGRESS", percentComplete: 50 });
    simulator.advance(1_000);
    expect(await read()).toMatchObject({
      status: "SUCCEEDED",
      percentComplete: 100,
      resources: [{ actionType: "CREATED" }],
    });
    expect((await workRequests.listWorkRequestLogs({ workRequestId })).items).toHaveLength(3);
    expect((await workRequests.listWorkRequestErrors({ workRequestId })).items).toEqual([]);
    await compute.terminateInstance({ instanceId: instance.id });
    const { items } = await workRequests.listWorkRequests({
      compartmentId: seedIds.compartmentId,
      resourceId: instance.id,
    });
    expect(items.map((item) => item.operationType)).toEqual([
      "TerminateInstance",
      "LaunchInstance",
    ]);
  }),
);

it.effect("fails the launch's work request when the instance dies by itself", () =>
  simulated({}, async (bench) => {
    const { compute, simulator, workRequests } = bench;
    const { instance, opcWorkRequestId } = await compute.launchInstance({
      launchInstanceDetails: details(),
    });
    expect(simulator.kill(instance.id)).toBe(true);
    expect(simulator.kill(instance.id)).toBe(false);
    expect(await stateOf(bench, instance.id)).toBe("TERMINATED");
    const { workRequest } = await workRequests.getWorkRequest({ workRequestId: opcWorkRequestId });
    expect(workRequest.status).toBe("FAILED");
    expect(simulator.journal()).toHaveLength(1);
  }),
);
