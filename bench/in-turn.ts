// Launches and removes members one after the other, asking without pause: the peer that nobody is faster than.

import * as Effect from "effect/Effect";
import { launchToken } from "@muster/core/words/member";
import type { Handler } from "@muster/core/words/provider";
import { templateMark } from "@muster/core/words/set";
import { expand } from "@muster/core/plan/plan";
import { readDocuments } from "@muster/core/read/read";
import { oci } from "@muster/provider-oci";
import type { Simulator } from "./simulator.ts";

const place = "Uocm:PHX-AD-1";

export const pluginOf = (simulator: Simulator) =>
  oci({
    endpoint: simulator.endpoint,
    env: { HOME: simulator.folder },
    allowDocumentCredentials: true,
  });

/** A fleet of so many, of which so many may come and go at a time. */
export const fleetOf = (
  simulator: Simulator,
  name: string,
  count: number,
  { parallel, restart }: { readonly parallel: number; readonly restart?: string },
): string =>
  JSON.stringify({
    kind: "FleetConfig",
    metadata: { name },
    spec: {
      compartmentId: simulator.compartmentId,
      imageId: simulator.imageId,
      subnetId: simulator.subnetId,
      availabilityDomain: "AD-1",
      shape: "VM.Standard.E4.Flex",
      shapeConfig: { ocpus: 1, memoryInGBs: 16 },
      scaling: { parallelLaunch: parallel, parallelTerminate: parallel },
      auth: { method: "user", configFile: simulator.configFile },
      instances: [{ name: "web", count }],
      ...(restart === undefined ? {} : { restart }),
    },
  });

/** How long so many launches in turn took, and then their removals, in milliseconds. */
export const inTurn = (
  simulator: Simulator,
  members: number,
): Promise<{ readonly launches: number; readonly removals: number }> =>
  Effect.gen(function* () {
    const plugin = pluginOf(simulator);
    const handler: Handler = yield* plugin.handler(plugin.resources[0]!);
    const text = fleetOf(simulator, "ideal", members, { parallel: 1 });
    const { documents } = readDocuments(plugin.kinds, [{ file: "ideal.json", text }]);
    const expansion = expand(plugin.kinds, documents[0]!);
    const set = expansion.sets[0]!;
    const ids: Array<string> = [];
    const began = performance.now();
    for (let slot = 1; slot <= members; slot += 1) {
      const member = { set: set.name, slot, generation: 1 };
      const accepted = yield* handler.create({
        expansion,
        set,
        member,
        owner: "bench",
        place,
        token: launchToken("bench", expansion.document, member, place),
        template: templateMark(set.template),
      });
      while (!(yield* handler.created(expansion, accepted)).done) yield* Effect.sleep(5);
      ids.push(accepted.id);
    }
    const launched = performance.now();
    for (const id of ids) {
      const accepted = yield* handler.remove({ expansion, id, version: null });
      while (!(yield* handler.removed(expansion, accepted)).done) yield* Effect.sleep(5);
    }
    return { launches: launched - began, removals: performance.now() - launched };
  }).pipe(Effect.scoped, Effect.runPromise);
