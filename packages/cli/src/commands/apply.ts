// `muster apply`: carries the plan out, tells each step, and says how it ended.

import { readFile } from "node:fs/promises";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Schema from "effect/Schema";
import { exitCodes, Store, verdictOfApply } from "@muster/core";
import { apply as applyTurn } from "@muster/sdk";
import { openLocal, turnOf } from "../context.ts";
import { endWith, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";
import { reportAsJson, viewReport } from "../screen/report-view.ts";
import { actorName } from "../settings.ts";
import { tracedCommand } from "../telemetry/telemetry.ts";
import { refuseFaults } from "./faults.ts";

const planFile = Flag.String("plan").pipe(
  Flag.withDescription(
    "Apply only what this file planned: muster plans again and compares digests; the file is never executed",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

export const apply = Command.make(
  "apply",
  {
    paths: Flags.paths,
    output: Flags.output,
    store: Flags.store,
    owner: Flags.owner,
    config: Flags.config,
    plan: planFile,
  },
  Effect.fnUntraced(function* (flags) {
    const screen = yield* Out;
    const local = yield* openLocal({ ...flags, planFile: flags.plan }, "write");
    yield* refuseFaults(local, flags.output);
    const actor = actorName(screen.env);
    const expected = Option.isSome(flags.plan) ? yield* digestIn(flags.plan.value) : undefined;
    const report = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* local.openStore;
        return yield* applyTurn({
          ...turnOf(local),
          actor,
          approval:
            expected === undefined
              ? { mode: "command", by: actor, digest: null }
              : { mode: "consent", by: actor, digest: expected },
          ...(expected === undefined ? {} : { expectDigest: expected }),
          onEvent: screen.progress.onEvent,
        }).pipe(Effect.provideService(Store, store));
      }).pipe(Effect.ensuring(screen.progress.end)),
    );
    const verdict = verdictOfApply(report);
    yield* screen.result(
      flags.output === "json"
        ? reportAsJson(report, verdict)
        : viewReport(report, verdict, screen.paint),
    );
    if (verdict !== "done") return yield* endWith(exitCodes[verdict]);
  }, tracedCommand("apply")),
).pipe(
  Command.withDescription(
    "Carry out what muster plan shows: launch what is missing, remove what a lowered number asks to go, and look again. Safe to run twice and after any crash. A document that muster fleet keeps in a store of its own needs that store to be named.\n\nExit codes: 0 done, 1 faulty documents, 2 infrastructure failed, 5 refused, 6 partly done, 7 outcome unknown (run it again), 130 interrupted.",
  ),
  Command.withShortDescription("Carry the plan out"),
  Command.withExamples([
    { command: "muster apply fleets/", description: "Make the fleets be as the documents say" },
    {
      command: "muster apply fleets/ --plan fleet.plan",
      description: "Only if the plan still is what was reviewed",
    },
    {
      command: "muster apply -o json 2>progress.log",
      description: "The report as JSON, progress on stderr",
    },
  ]),
);

const PlanFile = Schema.Struct({ formatVersion: Schema.Literal("1.0"), digest: Schema.String });

const digestIn = Effect.fnUntraced(function* (file: string) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: (cause) =>
      wrongInput(
        `cannot read ${file}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
        "name a file that muster plan --out wrote",
      ),
  });
  return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(PlanFile))(text).pipe(
    Effect.map((plan) => plan.digest),
    Effect.mapError(() =>
      wrongInput(`${file} is no plan of format 1.0`, "make one with: muster plan --out FILE"),
    ),
  );
});
