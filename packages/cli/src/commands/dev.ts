// `muster dev oci`: an OCI of one's own on this machine, to try things without an account.

import { mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { envText, quoteArgument } from "../env-file.ts";
import { CommandEnd, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";
import { simulateHosts } from "./dev-hosts.ts";
import { simulateTaskcluster } from "./dev-taskcluster.ts";
import { openScenario } from "./scenario.ts";

const port = Flag.Int("port").pipe(
  Flag.withDescription("Port on 127.0.0.1; any free one when 0"),
  Flag.withDefault(0),
);

const folder = Flag.String("folder").pipe(
  Flag.withDescription(
    "Where the throwaway account (config file and key) is written, and env, which a shell can read",
  ),
  Flag.withDefault(".muster-dev"),
);

const launchDelay = Flag.Int("launch-delay").pipe(
  Flag.withDescription("How long a launch takes, in milliseconds; 2000 when not said"),
  Flag.optional,
);

const listLag = Flag.Int("list-lag").pipe(
  Flag.withDescription("By how much lists show the past, in milliseconds; 0 when not said"),
  Flag.optional,
);

const scenario = Flag.String("scenario").pipe(
  Flag.withDescription("A YAML or JSON file: the faults, and the world that they happen in"),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

const journal = Flag.String("journal").pipe(
  Flag.withDescription("Append accepted changes to this file, a JSON object a line"),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

const simulate = Command.make(
  "oci",
  { port, folder, launchDelay, listLag, journal, scenario, output: Flags.output },
  Effect.fn("dev oci")(function* (flags) {
    const screen = yield* Out;
    if (flags.port < 0 || flags.port > 65_535) {
      return yield* wrongInput(`${flags.port} is no port`, "use 0 to 65535");
    }
    for (const [flag, millis] of [
      ["--launch-delay", flags.launchDelay],
      ["--list-lag", flags.listLag],
    ] as const) {
      if (Option.isSome(millis) && millis.value < 0) {
        return yield* wrongInput(
          `${flag} ${millis.value} is no time`,
          "give 0 milliseconds or more",
        );
      }
    }
    // Loaded only here: nothing else needs a simulator.
    const { makeAccount, optionsOf, readScenario, startOciSimulator, writeAccount } =
      yield* Effect.promise(() => import("@muster/testkit/oci/index"));
    const told = Option.isSome(flags.scenario)
      ? optionsOf(yield* openScenario(flags.scenario.value, flags.output, readScenario))
      : {};
    const account = yield* Effect.promise(() => makeAccount());
    const simulator = yield* startOciSimulator({
      ...told,
      port: flags.port,
      accounts: [account],
      // What stands on the command line goes before the file.
      ...(Option.isSome(flags.launchDelay) ? { launchDelayMs: flags.launchDelay.value } : {}),
      ...(Option.isSome(flags.listLag) ? { listLagMs: flags.listLag.value } : {}),
      ...(Option.isSome(flags.journal) ? { journalFile: flags.journal.value } : {}),
    }).pipe(
      Effect.mapError(
        ({ message }) =>
          new CommandEnd({
            code: 2,
            message,
            remedy: "choose another --port (0 is any free one) or --journal, or end what holds it",
          }),
      ),
    );
    const home = path.resolve(flags.folder);
    const written = yield* Effect.tryPromise({
      try: async () => {
        await mkdir(home, { recursive: true, mode: 0o700 });
        const { configFile } = await writeAccount(home, account);
        const envFile = path.join(home, "env");
        await writeFile(envFile, variables(simulator.endpoint, configFile), { mode: 0o600 });
        return { configFile, envFile };
      },
      catch: (cause) =>
        wrongInput(`cannot write to ${home}: ${String(cause)}`, "choose another --folder"),
    });
    const facts = {
      endpoint: simulator.endpoint,
      ...written,
      compartmentId: simulator.compartmentId,
      imageId: simulator.imageId,
      subnetId: simulator.subnetId,
      availabilityDomains: simulator.availabilityDomains,
      pid: process.pid,
    };
    yield* screen.result(flags.output === "json" ? JSON.stringify(facts) : view(facts));
    return yield* Effect.never;
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Run an OCI simulator on this machine: it speaks compute, network, identity and work requests to the official SDK, checks signatures, and forgets everything when it ends. Control-C ends it.",
  ),
  Command.withShortDescription("An OCI simulator on this machine"),
  Command.withExamples([
    {
      command: "muster dev oci",
      description: "Then, in another terminal in the same folder: . .muster-dev/env",
    },
    {
      command: "muster dev oci --scenario examples/scenarios/bad-day.yaml",
      description: "With faults; docs/reference/simulator.md has all that a scenario can say",
    },
    {
      command: "muster dev oci -o json",
      description: "Endpoint, account and OCIDs as one JSON line",
    },
  ]),
);

export const dev = Command.make("dev").pipe(
  Command.withDescription("Tools for trying things out"),
  Command.withSubcommands([simulate, simulateHosts, simulateTaskcluster]),
  Command.withExamples([
    { command: "muster dev oci", description: "Then, in another terminal: plan and apply" },
    { command: "muster dev hosts", description: "Then, in another terminal: ssh to any of them" },
  ]),
);

const view = (facts: {
  readonly endpoint: string;
  readonly configFile: string;
  readonly envFile: string;
  readonly compartmentId: string;
  readonly imageId: string;
  readonly subnetId: string;
  readonly availabilityDomains: ReadonlyArray<string>;
}): string =>
  [
    `OCI simulator at ${facts.endpoint} (Control-C ends it)`,
    "",
    `In another terminal: . ${quoteArgument(facts.envFile)}`,
    "",
    variables(facts.endpoint, facts.configFile).replaceAll(/^(?=.)/gmu, "  "),
    `  compartmentId:      ${facts.compartmentId}`,
    `  imageId:            ${facts.imageId}`,
    `  subnetId:           ${facts.subnetId}`,
    `  availabilityDomain: ${facts.availabilityDomains.join(", ")}`,
  ].join("\n");

/** What leads muster to the simulator, as shell. */
const variables = (endpoint: string, configFile: string): string =>
  envText({ MUSTER_OCI_ENDPOINT: endpoint, OCI_CLI_CONFIG_FILE: configFile });
