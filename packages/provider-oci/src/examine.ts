// Looks whether muster can call OCI as each document asks: files, keys, sessions, endpoint, clock, one real call.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type Finding, unknownFinding } from "@muster/core/words/finding";
import type { ExamineRequest } from "@muster/core/words/kind";
import { type ConnectionOptions, makeConnections } from "./connections.ts";
import { type Caller, credentialLook, inspectAuth } from "./inspect-auth.ts";
import { readScope, type ScopeAuth } from "./scope.ts";

/** Never fails. Every account is looked at once, however many documents name it. */
export const examineOci = (
  options: ConnectionOptions,
  request: ExamineRequest,
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.scoped(
    Effect.gen(function* () {
      const connections = yield* makeConnections(options);
      const { callers, faults } = yield* callersOf(options, request);
      if (callers.length === 0 && faults.length === 0) return [nobody];
      const inspection = { options, connections, online: request.online, depth: "call" } as const;
      const found = yield* Effect.forEach(callers, (caller) => inspectAuth(inspection, caller));
      return [...faults, ...found.flatMap(({ looks }) => looks)].map(findingOf);
    }),
  );

const findingOf = ({ check, verdict, message, remedy, origin }: Finding): Finding => ({
  check,
  verdict,
  message,
  remedy,
  origin,
});

const nobody = unknownFinding(
  "credentials",
  "no document and no operator's profile says as whom OCI is called",
  "name the documents with --file, or the profiles that they may use with --allow-profile",
);

const callersOf = Effect.fnUntraced(function* (
  options: ConnectionOptions,
  { expansions }: ExamineRequest,
) {
  const callers = new Map<string, Caller>();
  const faults: Array<Finding> = [];
  for (const expansion of expansions) {
    const scope = yield* Effect.result(readScope(expansion));
    if (Result.isFailure(scope)) {
      faults.push(credentialLook("credentials", scope.failure));
      continue;
    }
    const { auth, compartmentId } = scope.success;
    const key = JSON.stringify([auth.method, auth.configFile, auth.profile, auth.region]);
    if (!callers.has(key)) callers.set(key, { auth, compartmentId });
  }
  if (expansions.length > 0) return { callers: [...callers.values()], faults };
  const usual: ReadonlyArray<ScopeAuth> = options.allowDocumentCredentials
    ? [{ method: "user" }]
    : options.profiles.map(({ name }) => ({ method: "user", profile: name }));
  return { callers: usual.map((auth) => ({ auth, compartmentId: null })), faults };
});
