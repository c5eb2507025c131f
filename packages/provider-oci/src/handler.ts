// Joins the parts into the behaviour of `oci.instances`: an account for each document, then acts.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Accepted, Handler, ProviderError } from "@muster/core/words/provider";
import type { Expansion } from "@muster/core/words/set";
import { createMember, findMembers, lookAtMember, markMember, removeMember } from "./change.ts";
import { makeConnections, type Connection, type ConnectionOptions } from "./connections.ts";
import { observe } from "./observe.ts";
import { instancesResource } from "./fleet-config/expand.ts";
import { createdProgress, removedProgress } from "./progress.ts";
import { readScope } from "./scope.ts";
import { makeSpentTokens } from "./spent-tokens.ts";
import { makeWaits } from "./waiting.ts";

/** The handler of `oci.instances`; its connections end with the scope. */
export const makeInstancesHandler = (
  options: ConnectionOptions,
): Effect.Effect<Handler, never, Scope.Scope> =>
  Effect.gen(function* () {
    const connections = yield* makeConnections(options);
    const spent = makeSpentTokens();
    const waits = makeWaits();

    const at = <A>(
      expansion: Expansion,
      act: (connection: Connection, compartmentId: string) => Effect.Effect<A, ProviderError>,
    ): Effect.Effect<A, ProviderError> =>
      Effect.gen(function* () {
        const scope = yield* readScope(expansion);
        const connection = yield* connections.connect(scope.auth);
        return yield* act(connection, scope.compartmentId);
      });

    /** What was found on its way is of unknown age: its wait begins with the first look. */
    const beginWait = ({ id, operation }: Accepted): Effect.Effect<void> =>
      operation === null
        ? Effect.void
        : Effect.map(Clock.currentTimeMillis, (now) => void waits.of(id, now));

    return {
      resource: instancesResource,
      ...(options.pollMillis === undefined ? {} : { pollMillis: options.pollMillis }),
      observe: (requests) => observe(connections, requests),
      look: (expansion, id) =>
        at(expansion, (connection, compartmentId) => lookAtMember(connection, compartmentId, id)),
      find: (expansion, set, member) =>
        at(expansion, (connection, compartmentId) =>
          findMembers(connection, compartmentId, set.document.name, member),
        ),
      create: (request) =>
        at(request.expansion, (connection, compartmentId) =>
          Effect.tap(createMember(connection, compartmentId, request, spent), beginWait),
        ),
      created: (expansion, accepted) =>
        at(expansion, (connection, compartmentId) =>
          createdProgress({ connection, compartmentId, accepted, waits }),
        ),
      mark: (request) => at(request.expansion, (connection) => markMember(connection, request)),
      remove: (request) =>
        at(request.expansion, (connection, compartmentId) =>
          Effect.tap(removeMember(connection, compartmentId, request), beginWait),
        ),
      removed: (expansion, accepted) =>
        at(expansion, (connection, compartmentId) =>
          removedProgress({ connection, compartmentId, accepted, waits }),
        ),
    };
  });
