// Keeps what a page takes for granted: a config repository whose fleet runs in a simulator of our own, and a Postgres.

import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { openOciSimulator, throwawayAccount, writeAccount } from "@muster/testkit/oci/index";
import { binaries, startPostgres } from "@muster/testkit/postgres/server";
import type { Checkout } from "./checkout.ts";

export interface PageWorld {
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

/** What a page needs, by its name. */
export const openWorld = (needed: string, checkout: Checkout): Promise<PageWorld> => {
  if (needed === "fleet") return openFleet(checkout);
  if (needed === "postgres") return openPostgres(checkout);
  throw new Error(`no page can need ${needed}`);
};

/** `$DB`: a server whose administrator `admin` is let in by a password file; and a fleet beside it. */
const openPostgres = async (checkout: Checkout): Promise<PageWorld> => {
  const scope = Scope.makeUnsafe();
  const server = await Effect.runPromise(Scope.provide(startPostgres, scope));
  const fleet = await openFleet(checkout);
  const passwords = path.join(path.dirname(checkout.folder), "passwords");
  const password = server.password.replaceAll(/[\\:]/gu, "\\$&");
  await writeFile(passwords, `127.0.0.1:*:*:admin:${password}\n`, { mode: 0o600 });
  return {
    env: {
      ...fleet.env,
      DB: `127.0.0.1:${server.port}/fleet`,
      PGPASSFILE: passwords,
      PATH: `${binaries()}${path.delimiter}${checkout.env["PATH"]}`,
    },
    close: async () => {
      await fleet.close();
      await Effect.runPromise(Scope.close(scope, Exit.void));
    },
  };
};

/** `$REPO`: a bare repository with the fleet `web` of two; the account is allowed as `DEFAULT`. */
const openFleet = async (checkout: Checkout): Promise<PageWorld> => {
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
