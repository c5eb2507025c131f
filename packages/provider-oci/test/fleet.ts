// A small fleet, a simulator and a handler that talks to it over real HTTP with the real SDK.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { launchToken, type MemberName } from "@muster/core/words/member";
import type {
  CreateRequest,
  Handler,
  Observation,
  ProviderError,
} from "@muster/core/words/provider";
import { templateMark, type Expansion, type SetResource } from "@muster/core/words/set";
import {
  seedIds,
  startOciSimulator,
  throwawayAccount,
  virtualClock,
  writeAccount,
  type OciSimulator,
  type OciSimulatorError,
  type OciSimulatorOptions,
} from "@muster/testkit/oci/index";
import { oci, type OciOptions } from "../src/plugin.ts";

export const owner = "github.com/acme/fleets#default";

export interface World {
  readonly simulator: OciSimulator;
  readonly handler: Handler;
  readonly configFile: string;
  readonly folder: string;
}

/** A folder of this test's own, removed with the scope. */
export const makeFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "muster-oci-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true })),
);

/** A simulator whose time stands still until it is moved, and a handler with a user's config. */
export const makeWorld = (
  options: OciSimulatorOptions = {},
  plugin: OciOptions = {},
): Effect.Effect<World, OciSimulatorError | ProviderError, Scope.Scope> =>
  Effect.gen(function* () {
    const simulator = yield* startOciSimulator({ clock: virtualClock(), ...options });
    const folder = yield* makeFolder;
    const account = simulator.accounts[0] ?? (yield* Effect.promise(throwawayAccount));
    const { configFile } = yield* Effect.promise(() => writeAccount(folder, account));
    const env = { OCI_CLI_CONFIG_FILE: configFile, HOME: folder };
    const handler = yield* oci({
      endpoint: simulator.endpoint,
      env,
      allowDocumentCredentials: true,
      ...plugin,
    }).handler("oci.instances");
    return { simulator, handler, configFile, folder };
  });

export interface FleetAsked {
  readonly name?: string;
  readonly previousName?: string;
  readonly count?: number;
  readonly set?: string;
  readonly auth?: Expansion["scope"];
  readonly template?: SetResource["template"];
}

/** What a FleetConfig with one group expands to. */
export const makeExpansion = (asked: FleetAsked = {}): Expansion => {
  const document = { kind: "FleetConfig", name: asked.name ?? "shop" };
  return {
    document,
    ...(asked.previousName === undefined ? {} : { previousName: asked.previousName }),
    resource: "oci.instances",
    sets: [
      {
        resource: "oci.instances",
        document,
        name: asked.set ?? "web",
        count: asked.count ?? 1,
        template: {
          imageId: seedIds.imageId,
          shape: "VM.Standard.E4.Flex",
          shapeConfig: { ocpus: 2, memoryInGBs: 16 },
          subnetId: seedIds.subnetId,
          availabilityDomain: "AD-1",
          freeformTags: { team: "a&b #1" },
          definedTags: {},
          ...asked.template,
        },
      },
    ],
    scope: { compartmentId: seedIds.compartmentId, auth: { method: "user", ...asked.auth } },
    parallel: { create: 5, remove: 10 },
  };
};

export const place = "Uocm:PHX-AD-1";

export const member = (slot: number, generation = 1, set = "web"): MemberName => ({
  set,
  slot,
  generation,
});

export const createRequest = (
  expansion: Expansion,
  name: MemberName = member(1),
  changes: Partial<CreateRequest> = {},
): CreateRequest => {
  const set = expansion.sets[0]!;
  return {
    expansion,
    set,
    member: name,
    owner,
    place,
    token: launchToken(owner, expansion.document, name, place),
    template: templateMark(set.template),
    ...changes,
  };
};

export const observeOne = (
  handler: Handler,
  expansion: Expansion,
  known: ReadonlyArray<string> = [],
): Effect.Effect<Observation> =>
  Effect.map(handler.observe([{ expansion, known }]), (observations) => observations[0]!);

/** How often each operation was asked for. */
export const countCalls = (simulator: OciSimulator): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { operation } of simulator.requests()) {
    counts[operation] = (counts[operation] ?? 0) + 1;
  }
  return counts;
};
