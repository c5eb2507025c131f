// Tells what a fleet's document asks for, without asking anybody else.

import * as Effect from "effect/Effect";
import { canonicalJson, escapeText, type JsonObject } from "@muster/core";
import type { Expansion } from "@muster/core/words/set";
import { pluginsOf } from "../context.ts";
import type { CommandEnd } from "../exit.ts";
import { readFleet } from "../fleet/opened.ts";
import { Out } from "../screen/out.ts";
import { viewTable } from "../screen/table.ts";
import { loadConfig } from "../settings.ts";
import { Wiring } from "../wiring.ts";
import type { CommonFlags } from "./fleet-flags.ts";

export const showSummary = Effect.fnUntraced(function* (
  flags: CommonFlags,
): Effect.fn.Return<void, CommandEnd> {
  const screen = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, screen.env);
  const plugins = pluginsOf(
    config,
    wiring.plugins({ by: "command line" }, screen.env),
    wiring.decorate,
  );
  const kinds = plugins.flatMap((plugin) => plugin.kinds);
  const { expansion } = yield* readFleet(flags.file, kinds);
  const facts = factsOf(expansion);
  yield* screen.result(flags.output === "json" ? canonicalJson(facts) : view(expansion));
});

const factsOf = ({ document, sets, parallel, scope }: Expansion): JsonObject => ({
  fleet: document.name,
  total: sum(sets),
  groups: sets.map(({ name, count }) => ({ group: name, count })),
  parallel: { launch: parallel.create, terminate: parallel.remove },
  scope,
});

const sum = (sets: Expansion["sets"]): number => sets.reduce((all, { count }) => all + count, 0);

const view = ({ document, sets, parallel, scope }: Expansion): string =>
  [
    `fleet ${document.name}: ${sum(sets)} asked for in ${sets.length} ${sets.length === 1 ? "group" : "groups"}`,
    ...viewTable(
      [
        ["  GROUP", "COUNT", "SHAPE", "IMAGE", "SUBNET"],
        ...sets.map(({ name, count, template }) => [
          `  ${name}`,
          String(count),
          textOf(template["shape"]),
          textOf(template["imageId"]),
          textOf(template["subnetId"]),
        ]),
      ],
      null,
    ),
    `  compartment ${textOf(scope["compartmentId"])}`,
    `  at most ${parallel.create} launches and ${parallel.remove} terminations at a time`,
  ].join("\n");

const textOf = (value: unknown): string => (typeof value === "string" ? escapeText(value) : "");
