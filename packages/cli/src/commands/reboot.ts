// `muster reboot host`: has a host start anew, and believes it only when the host shows another boot id.

import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { escapeText, exitCodes, type StoreError, type StoreShape } from "@muster/core";
import { audited } from "@muster/core/inventory/act";
import { type ActEnd, endOfReboot, endOfRebootLine } from "@muster/core/inventory/act-end";
import { awaitBoot, type Sight } from "@muster/core/inventory/boot";
import { keepLooks, Prober } from "@muster/core/inventory/refresh";
import type { HostStream } from "@muster/core/inventory/send";
import type { HostAddress } from "@muster/core/words/contact";
import { contactRemedies } from "@muster/core/words/remedy";
import { parseDuration } from "../duration.ts";
import { CommandEnd } from "../exit.ts";
import {
  actFlags,
  type ActFlags,
  hostArgument,
  noSsh,
  openAct,
  sendOnce,
  tellDryRun,
  tellEnd,
} from "../inventory/acting.ts";
import { Out } from "../screen/out.ts";
import { Wiring } from "../wiring.ts";

/** What is run where nobody configured another line. */
const usualLine = "sudo -n reboot";

const timeout = Flag.String("timeout").pipe(
  Flag.withDescription("How long the host may take to come back, such as 20m; at most 24h"),
  Flag.withMetavar("DURATION"),
  Flag.withDefault("10m"),
);

const bounds = { from: 1_000, to: 24 * 3_600_000 };

/** From one look to the next while the host is away, in milliseconds, unless the pace says otherwise. */
const usualEvery = 2_000;

/** The line itself ends at once or with the host; a connection that only hangs is not waited for. */
const longestLine = 15_000;

/** What is kept of the line's words, in bytes. */
const mostSaid = 16 * 1_024;

const host = Command.make(
  "host",
  { host: hostArgument, timeout, ...actFlags },
  Effect.fn("reboot host")(function* (flags) {
    const timeoutMillis = yield* parseDuration("--timeout", flags.timeout, bounds);
    yield* Effect.scoped(
      Effect.gen(function* () {
        const screen = yield* Out;
        const { store, address, word, hosts } = yield* openAct(flags, flags.host);
        const line = hosts.reboot ?? usualLine;
        const name = address.host;
        if (flags.dryRun) return yield* tellDryRun(flags, name, line);
        const bootId = yield* bootIdNow(flags, store, address);
        yield* screen.say(`${escapeText(name)}: boot id ${escapeText(bootId)}`);
        const parameters = { line, timeoutMillis, bootId };
        const act = { action: "reboot host", host: name, parameters };
        const end = yield* audited(store, act, word, (before) =>
          Effect.gen(function* () {
            const sent = yield* sendLine(flags, { address, line, before });
            const known = endOfRebootLine(name, sent.sent, sent.stderr());
            if (known !== null) return known;
            yield* screen.say(
              `${escapeText(name)}: was told to reboot; waiting for another boot id`,
            );
            return yield* waitFor({ flags, store, address, bootId, timeoutMillis });
          }),
        );
        yield* tellEnd(flags, name, end);
      }),
    );
  }),
).pipe(
  Command.withDescription(
    "Reboot one host by the line `hosts.reboot` of muster.config.ts, `sudo -n reboot` by default, and wait until it is back. Its boot id is read before; the line is sent once and never again; then the host is looked at over new connections until its boot id is another. Without that no reboot is ever called done. The audit has it before it is sent, and what came of it after.\n\nExit codes: 0 it is back with another boot id, 1 wrong arguments or no such host, 2 nothing was sent: the host was not reached, or the store failed, 5 refused: the host is disabled, its sudo refuses, or it tells no boot id, 6 the command failed, or the host kept its boot id, 7 outcome unknown: it did not come back in time, or something with another host key did, 130 interrupted: the audit says unknown.",
  ),
  Command.withShortDescription("Reboot one host, proven by its boot id"),
  Command.withExamples([
    {
      command: "muster reboot host t-linux64-001.test.example --reason 'new kernel'",
      description: "One host",
    },
    {
      command: "muster reboot host t-linux64-001.test.example --timeout 30m",
      description: "One that takes its time",
    },
    {
      command: "muster reboot host t-linux64-001.test.example --dry-run",
      description: "Which line it would run",
    },
  ]),
);

/** One look over a connection of its own. */
const lookOnce = (flags: ActFlags, address: HostAddress) =>
  Effect.gen(function* () {
    const { env } = yield* Out;
    const wiring = yield* Wiring;
    const options = { env, sshConfig: flags.sshConfig, acceptNew: false, concurrency: 1 };
    return yield* Effect.flatMap(Prober, (prober) => prober.look(address, "full")).pipe(
      Effect.provide(wiring.prober(options)),
      Effect.mapError(noSsh),
    );
  });

/** What the reboot is measured by. Fails, with nothing sent, where it cannot be had. */
const bootIdNow = Effect.fnUntraced(function* (
  flags: ActFlags,
  store: StoreShape,
  address: HostAddress,
): Effect.fn.Return<string, CommandEnd | StoreError> {
  const look = yield* lookOnce(flags, address);
  yield* keepLooks(store, [look]);
  const { contact, facts } = look.observation;
  const name = address.host;
  const reason = contact === undefined ? "unreadable" : contact.reason;
  if (reason !== null) {
    return yield* new CommandEnd({
      code: exitCodes["infrastructure failed"],
      message: `${contact?.message ?? `${name} was not reached`}; nothing was sent`,
      remedy:
        reason === "hostkey-changed"
          ? `if the host was set up anew: host hostkey show ${name}`
          : contactRemedies[reason],
    });
  }
  if (facts?.bootId !== undefined && facts.bootId !== "") return facts.bootId;
  return yield* new CommandEnd({
    code: exitCodes.refused,
    message: `${name} tells no boot id, so no reboot could be proven; nothing was sent`,
    remedy: "reboot it from its console",
  });
});

interface Line {
  readonly address: HostAddress;
  readonly line: string;
  readonly before: Effect.Effect<void, StoreError>;
}

const sendLine = Effect.fnUntraced(function* (flags: ActFlags, line: Line) {
  const said: Array<Uint8Array> = [];
  let length = 0;
  const hear = (stream: HostStream, bytes: Uint8Array): void => {
    if (stream !== "stderr" || length > mostSaid) return;
    length += bytes.length;
    said.push(bytes.slice(0, mostSaid));
  };
  const sent = yield* sendOnce(flags, { ...line, hear, timeoutMillis: longestLine });
  return { sent, stderr: () => new TextDecoder().decode(Buffer.concat(said)) };
});

interface Waiting {
  readonly flags: ActFlags;
  readonly store: StoreShape;
  readonly address: HostAddress;
  readonly bootId: string;
  readonly timeoutMillis: number;
}

const waitFor = Effect.fnUntraced(function* ({
  flags,
  store,
  address,
  bootId,
  timeoutMillis,
}: Waiting): Effect.fn.Return<ActEnd, CommandEnd | StoreError> {
  const { pace } = yield* Wiring;
  const awaited = yield* awaitBoot({
    ...{ before: bootId, timeoutMillis, look: lookOnce(flags, address) },
    everyMillis: pace.pollMillis ?? usualEvery,
    onSight: yield* tellingSights(address.host, timeoutMillis),
  });
  yield* keepLooks(store, [awaited.look]);
  return endOfReboot(address.host, bootId, awaited);
});

/** A wait that brings nothing new is told so often, in milliseconds. */
const tellEvery = 30_000;

/** Tells what changes, and that it goes on. */
const tellingSights = (name: string, timeoutMillis: number) =>
  Effect.gen(function* () {
    const screen = yield* Out;
    let told = { kind: "", millis: 0 };
    return (sight: Sight, millis: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (sight.kind === told.kind && millis - told.millis < tellEvery) return Effect.void;
        told = { kind: sight.kind, millis };
        const time = `${Math.round(millis / 1_000)} of ${Math.round(timeoutMillis / 1_000)} s`;
        return screen.say(`${escapeText(name)}: ${sightWords(sight)}  (${time})`);
      });
  });

const sightWords = (sight: Sight): string => {
  switch (sight.kind) {
    case "rebooted":
      return `is back, with the boot id ${escapeText(sight.bootId)}`;
    case "same":
      return "still answers with the boot id of before";
    case "untold":
      return "answers, and does not tell its boot id";
    case "other-key":
      return "something shows another host key";
    case "silent":
      return `away: ${escapeText(sight.message, 300)}`;
  }
};

export const reboot = Command.make("reboot").pipe(
  Command.withDescription("Reboot hosts by hand, one at a time. It is never a part of a rollout."),
  Command.withShortDescription("Reboot one host"),
  Command.withSubcommands([host]),
  Command.withExamples([
    { command: "muster reboot host t-linux64-001.test.example", description: "One host" },
  ]),
);
