// `muster plan`: what would be done, and why. Writes nothing.

import { writeFile } from "node:fs/promises";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { digestOfPlans, encodePlans, exitCodes, Store, verdictOfPlan } from "@muster/core";
import { plan as planTurn } from "@muster/sdk";
import { openLocal, turnOf } from "../context.ts";
import { endWith, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";
import { viewPlans } from "../screen/plan-view.ts";
import { actorName } from "../settings.ts";
import { tracedCommand } from "../telemetry/telemetry.ts";
import { refuseFaults } from "./faults.ts";

const out = Flag.String("out").pipe(
  Flag.withDescription(
    "Also write the plan to this file (such as fleet.plan), for muster apply --plan",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

const detailedExitcode = Flag.Boolean("detailed-exitcode").pipe(
  Flag.withDescription("Answer 4 when changes wait and 5 when something is refused"),
  Flag.withDefault(false),
);

export const plan = Command.make(
  "plan",
  {
    paths: Flags.paths,
    output: Flags.output,
    store: Flags.store,
    owner: Flags.owner,
    config: Flags.config,
    out,
    detailedExitcode,
  },
  Effect.fnUntraced(function* (flags) {
    const screen = yield* Out;
    const local = yield* openLocal({ ...flags, planFile: flags.out }, "read");
    yield* refuseFaults(local, flags.output);
    const { plans } = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* local.openStore;
        return yield* planTurn({ ...turnOf(local), actor: actorName(screen.env) }).pipe(
          Effect.provideService(Store, store),
        );
      }),
    );
    const bytes = encodePlans(plans);
    if (Option.isSome(flags.out)) yield* writePlan(flags.out.value, bytes);
    yield* screen.result(
      flags.output === "json"
        ? bytes.trimEnd()
        : viewPlans(plans, digestOfPlans(plans), screen.paint),
    );
    const verdict = verdictOfPlan(plans);
    if (verdict === "infrastructure failed" || flags.detailedExitcode) {
      if (verdict !== "done") return yield* endWith(exitCodes[verdict]);
    }
  }, tracedCommand("plan")),
).pipe(
  Command.withDescription(
    "Show what would be done, with the reason of each change. Reads documents, looks at what is there, and writes nothing. A document that muster fleet keeps in a store of its own needs that store to be named.\n\nExit codes: 0 done, 1 faulty documents, 2 could not look; with --detailed-exitcode also 4 changes wait, 5 refused.",
  ),
  Command.withShortDescription("Show what would be done"),
  Command.withExamples([
    {
      command: "muster plan fleets/",
      description: "What would change, for all fleets in a folder",
    },
    {
      command: "muster plan fleets/ --out fleet.plan",
      description: "Keep the plan, for review and for apply --plan",
    },
    {
      command: "muster plan -o json | jq .digest",
      description: "The same inputs give the same bytes",
    },
  ]),
);

const writePlan = (file: string, bytes: string) =>
  Effect.tryPromise({
    try: () => writeFile(file, bytes, { mode: 0o600 }),
    catch: (cause) =>
      wrongInput(
        `cannot write ${file}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
        "check that its folder exists and may be written",
      ),
  });
