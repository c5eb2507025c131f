// Validates how a fleet's document signs in to OCI, and says which part is wrong when it cannot.

import * as Effect from "effect/Effect";
import type { AuthReport } from "@muster/provider-oci";
import { pluginsOf } from "../context.ts";
import { type CommandEnd, endWith } from "../exit.ts";
import { readFleet } from "../fleet/opened.ts";
import { authAsJson, viewAuth } from "../screen/auth-view.ts";
import { Out } from "../screen/out.ts";
import { loadConfig } from "../settings.ts";
import { Wiring } from "../wiring.ts";
import type { CommonFlags } from "./fleet-flags.ts";

export const validateFleetAuth = Effect.fnUntraced(function* (
  flags: CommonFlags,
): Effect.fn.Return<void, CommandEnd> {
  const screen = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, screen.env);
  const builtIn = wiring.plugins({ by: "command line" }, screen.env);
  const plugins = pluginsOf(config, builtIn, wiring.decorate);
  const kinds = plugins.flatMap((plugin) => plugin.kinds);
  const { expansion } = yield* readFleet(flags.file, kinds);
  const report = yield* wiring.validateAuth(expansion, screen.env);
  yield* screen.result(
    flags.output === "json" ? authAsJson(report) : viewAuth(report, screen.paint),
  );
  const code = codeOf(report);
  if (code !== 0) return yield* endWith(code);
});

/** What a person wrote wrongly is wrong input; everything else is the world's. */
const codeOf = ({ ok, findings }: AuthReport): number => {
  if (ok) return 0;
  const written = findings.some(
    ({ what, severity }) =>
      severity === "error" && (what === "configuration" || what === "consent"),
  );
  return written ? 1 : 2;
};
