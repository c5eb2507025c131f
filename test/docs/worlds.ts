// Keeps what a page takes for granted: a config repository whose fleet runs, in a simulator of our own.

import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { openOciSimulator, throwawayAccount, writeAccount } from "@muster/testkit/oci/index";
import type { Checkout } from "./checkout.ts";

export interface PageWorld {
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

/** `$REPO`: a bare repository with the fleet `web` of two; the account is allowed as `DEFAULT`. */
export const openFleet = async (checkout: Checkout): Promise<PageWorld> => {
  const base = path.dirname(checkout.folder);
  const account = await throwawayAccount();
  const simulator = await openOciSimulator({
    accounts: [account],
    launchDelayMs: 50,
    terminateDelayMs: 20,
  });
  const { configFile } = await writeAccount(path.join(base, "account"), account);
  const repo = path.join(base, "fleets.git");
  const first = path.join(base, "first");
  await mkdir(path.join(first, "fleets"), { recursive: true });
  await writeFile(path.join(first, "fleets", "web.yaml"), fleetText(simulator));
  const env = { ...checkout.env, ...author };
  const git = (...args: ReadonlyArray<string>) =>
    execFileSync("git", [...args], { cwd: first, env, stdio: "pipe" });
  git("init", "--quiet", "--bare", "--initial-branch=main", repo);
  git("init", "--quiet", "--initial-branch=main");
  git("add", "--all");
  git("commit", "--quiet", "--message=A fleet of 2");
  git("push", "--quiet", repo, "main");
  return {
    env: {
      ...author,
      REPO: repo,
      MUSTER_OCI_ENDPOINT: simulator.endpoint,
      OCI_CLI_CONFIG_FILE: configFile,
    },
    close: simulator.close,
  };
};

const author = {
  GIT_AUTHOR_NAME: "Ann",
  GIT_AUTHOR_EMAIL: "ann@example.com",
  GIT_COMMITTER_NAME: "Ann",
  GIT_COMMITTER_EMAIL: "ann@example.com",
};

interface Ids {
  readonly compartmentId: string;
  readonly imageId: string;
  readonly subnetId: string;
}

const fleetText = ({ compartmentId, imageId, subnetId }: Ids): string => `kind: FleetConfig
metadata:
  name: web
spec:
  compartmentId: ${compartmentId}
  imageId: ${imageId}
  subnetId: ${subnetId}
  availabilityDomain: AD-1
  shape: VM.Standard.E4.Flex
  shapeConfig:
    ocpus: 1
  scaling: {}
  auth:
    method: user
  instances:
    - name: web
      count: 2
`;
