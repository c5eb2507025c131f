// Tells as whom a document calls OCI, whether OCI lets it, and which part is wrong when it does not.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { Expansion } from "@muster/core/words/set";
import type { AuthFinding, AuthReport } from "./auth-report.ts";
import { type ConnectionOptions, makeConnections } from "./connections.ts";
import { type AuthLook, credentialLook, inspectAuth, type Inspection } from "./inspect-auth.ts";
import { readScope } from "./scope.ts";

/** Never fails; ends within some calls' time-outs. */
export const validateWith = (
  options: ConnectionOptions,
  expansion: Expansion,
): Effect.Effect<AuthReport> =>
  Effect.scoped(
    Effect.gen(function* () {
      const scope = yield* Effect.result(readScope(expansion));
      if (Result.isFailure(scope)) {
        return reportOf({ details: null, looks: [credentialLook("scope", scope.failure)] });
      }
      const connections = yield* makeConnections(options);
      const inspection = { options, connections, online: true, depth: "whole" } as const;
      return reportOf(yield* inspectAuth(inspection, scope.success));
    }),
  );

const reportOf = ({ details, looks }: Inspection): AuthReport => {
  const findings = looks.flatMap(findingsOf);
  const errors = findings.filter(({ severity }) => severity === "error");
  const warnings = findings.filter(({ severity }) => severity === "warning");
  return { ok: errors.length === 0, details, findings: [...errors, ...warnings] };
};

const findingsOf = (look: AuthLook): ReadonlyArray<AuthFinding> => {
  if (look.verdict !== "failed" && look.verdict !== "warning") return [];
  return [
    {
      what: look.what,
      severity: look.verdict === "failed" ? "error" : "warning",
      message: `${look.check}: ${look.message}`,
      remedy: look.remedy ?? "look again later",
    },
  ];
};
