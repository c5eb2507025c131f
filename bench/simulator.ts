// An OCI simulator in a process of its own, so that its work is not counted as muster's.

import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type JournalEntry,
  openOciSimulator,
  type RequestEntry,
  throwawayAccount,
  writeAccount,
} from "@muster/testkit/oci/index";

export interface SimulatorFacts {
  readonly endpoint: string;
  readonly configFile: string;
  readonly compartmentId: string;
  readonly imageId: string;
  readonly subnetId: string;
}

export interface Simulator extends SimulatorFacts {
  /** Of this benchmark's own; removed at the end. */
  readonly folder: string;
  readonly journal: () => Promise<ReadonlyArray<JournalEntry>>;
  readonly requests: () => Promise<ReadonlyArray<RequestEntry>>;
  /** Forgets all instances, the journal and the requests. */
  readonly reset: () => Promise<void>;
  /** Puts so many instances of somebody else into the compartment. */
  readonly plant: (count: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Starts it; launches take `launchMillis`, and terminations a second when nothing is said. Rejects
 * when it ends before it says where it listens.
 */
export const startSimulator = async (
  launchMillis: number,
  terminateMillis = 1_000,
): Promise<Simulator> => {
  const folder = await mkdtemp(join(tmpdir(), "muster-bench-"));
  const times = [launchMillis, terminateMillis].map(String);
  const child = fork(fileURLToPath(import.meta.url), [folder, ...times]);
  const facts = await new Promise<SimulatorFacts>((resolve, reject) => {
    child.once("message", (message) => resolve(message as SimulatorFacts));
    child.once("exit", (code) => reject(new Error(`the simulator ended with ${code}`)));
  });
  const ask = async <A>(path: string, method = "GET", body?: object): Promise<A> => {
    const answer = await fetch(`${facts.endpoint}/simulator/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as A;
  };
  return {
    ...facts,
    folder,
    journal: () => ask("journal"),
    requests: () => ask("requests"),
    reset: () => ask("reset", "POST"),
    plant: async (count) => {
      for (let at = 0; at < count; at += 1) await ask("foreign", "POST", {});
    },
    close: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.disconnect();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const serve = async (
  folder: string,
  launchDelayMs: number,
  terminateDelayMs: number,
): Promise<void> => {
  const account = await throwawayAccount();
  const { configFile } = await writeAccount(folder, account);
  const simulator = await openOciSimulator({
    accounts: [account],
    launchDelayMs,
    terminateDelayMs,
    // As many on a page as OCI gives.
    pageSize: 1_000,
  });
  const { endpoint, compartmentId, imageId, subnetId } = simulator;
  const facts: SimulatorFacts = { endpoint, configFile, compartmentId, imageId, subnetId };
  process.send?.(facts);
  // It must not outlive the benchmark, however that ends.
  process.once("disconnect", () => void simulator.close());
};

const [folder, launchMillis, terminateMillis] = process.argv.slice(2);
if (process.send !== undefined && folder !== undefined) {
  await serve(folder, Number(launchMillis), Number(terminateMillis));
}
