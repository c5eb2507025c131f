// Starts a simulator and the official clients that talk to it, for one test.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as common from "oci-common";
import * as core from "oci-core";
import * as identity from "oci-identity";
import * as workrequests from "oci-workrequests";
import {
  seedIds,
  startOciSimulator,
  virtualClock,
  type OciSimulator,
  type OciSimulatorOptions,
  type SimulatorAccount,
} from "../../src/oci/index.ts";

export interface Clients {
  readonly compute: core.ComputeClient;
  readonly network: core.VirtualNetworkClient;
  readonly identity: identity.IdentityClient;
  readonly workRequests: workrequests.WorkRequestClient;
}

export const providerOf = (account: SimulatorAccount, privateKeyPem = account.privateKeyPem) =>
  new common.SimpleAuthenticationDetailsProvider(
    account.tenancyId,
    account.userId,
    account.fingerprint,
    privateKeyPem,
    account.passPhrase ?? null,
    common.Region.US_PHOENIX_1,
  );

// The SDK writes every failed call to the console; here failed calls are what is tested.
vi.spyOn(console, "warn").mockImplementation(() => {});

// Nothing may be tried again behind a test's back.
const configuration = {
  retryConfiguration: common.NoRetryConfigurationDetails,
  circuitBreaker: new common.CircuitBreaker({ disableClientCircuitBreaker: true }),
};

export const clientsOf = (
  endpoint: string,
  authenticationDetailsProvider: common.AuthenticationDetailsProvider,
): Clients => {
  const params = { authenticationDetailsProvider };
  const clients = {
    compute: new core.ComputeClient(params, configuration),
    network: new core.VirtualNetworkClient(params, configuration),
    identity: new identity.IdentityClient(params, configuration),
    workRequests: new workrequests.WorkRequestClient(params, configuration),
  };
  for (const client of Object.values(clients)) client.endpoint = endpoint;
  return clients;
};

export interface Bench extends Clients {
  readonly simulator: OciSimulator;
  readonly account: SimulatorAccount;
}

/** Runs `body` against a simulator with a clock that stands still unless `options` has another. */
export const simulated = (options: OciSimulatorOptions, body: (bench: Bench) => Promise<unknown>) =>
  Effect.gen(function* () {
    const simulator = yield* startOciSimulator({ clock: virtualClock(), ...options });
    const account = simulator.accounts[0];
    if (account === undefined) return yield* Effect.die("a simulator has an account");
    const clients = clientsOf(simulator.endpoint, providerOf(account));
    yield* Effect.promise(() => body({ simulator, account, ...clients }));
  });

/** A folder that goes with the test's scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "muster-oci-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true })),
);

export const ad = (number: 1 | 2 | 3): string => `Uocm:PHX-AD-${number}`;

/** A valid launch; `changes` replaces fields. */
export const details = (
  changes: Partial<core.models.LaunchInstanceDetails> = {},
): core.models.LaunchInstanceDetails => ({
  availabilityDomain: ad(1),
  compartmentId: seedIds.compartmentId,
  displayName: "web-1",
  shape: "VM.Standard.E4.Flex",
  shapeConfig: { ocpus: 2 },
  sourceDetails: {
    sourceType: "image",
    imageId: seedIds.imageId,
  },
  createVnicDetails: { subnetId: seedIds.subnetId },
  ...changes,
});

/** What a refused call was told: `<status> <code>`, or the words of a network error. */
export const refusalOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "accepted";
  } catch (error) {
    const { statusCode, serviceCode, message } = error as common.OciError;
    return statusCode === undefined ? `network: ${message}` : `${statusCode} ${serviceCode}`;
  }
};

/** Launches with a name in a place, and answers the OCID. */
export const launch = async (
  { compute }: Clients,
  changes: Partial<core.models.LaunchInstanceDetails> = {},
  opcRetryToken?: string,
): Promise<string> => {
  const { instance } = await compute.launchInstance({
    launchInstanceDetails: details(changes),
    ...(opcRetryToken === undefined ? {} : { opcRetryToken }),
  });
  return instance.id;
};

export const stateOf = async ({ compute }: Clients, instanceId: string): Promise<string> =>
  (await compute.getInstance({ instanceId })).instance.lifecycleState;
