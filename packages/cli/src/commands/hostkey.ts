// `muster host hostkey`: what key a host shows, and the word of a person that it is to be trusted.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { canonicalJson, escapeText, exitCodes, type StoreShape } from "@muster/core";
import { audited, type Came } from "@muster/core/inventory/act";
import {
  type Accepted,
  type HostKeyError,
  HostKeys,
  type ShownHostKey,
} from "@muster/core/inventory/host-keys";
import type { HostAddress } from "@muster/core/words/contact";
import { quote } from "@muster/core/words/quote";
import { CommandEnd, wrongInput } from "../exit.ts";
import { hostArgument, noSsh } from "../inventory/acting.ts";
import { dryRun } from "../inventory/edit.ts";
import { lookFlags } from "../inventory/look.ts";
import { inventoryFlags, loadRoll, openInventory, wordOf } from "../inventory/opened.ts";
import { knownHost } from "../inventory/select.ts";
import { checkReason } from "../records.ts";
import { Out } from "../screen/out.ts";
import { Wiring } from "../wiring.ts";

const sshFlags = { sshConfig: lookFlags.sshConfig, ...inventoryFlags };

interface SshFlags {
  readonly sshConfig: Option.Option<string>;
}

/** Asks the keys of hosts, by the operator's own SSH configuration. */
const withKeys = <A, E>(
  { sshConfig }: SshFlags,
  use: (keys: HostKeys["Service"]) => Effect.Effect<A, E>,
) =>
  Effect.gen(function* () {
    const { env } = yield* Out;
    const wiring = yield* Wiring;
    return yield* Effect.flatMap(HostKeys, (keys) => Effect.result(use(keys))).pipe(
      Effect.provide(wiring.hostKeys({ env, sshConfig })),
      Effect.mapError(noSsh),
      Effect.flatMap(Effect.fromResult),
    );
  });

const show = Command.make(
  "show",
  { host: hostArgument, ...sshFlags },
  Effect.fn("host hostkey show")(function* (flags) {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const screen = yield* Out;
        const store = yield* openInventory(flags, "read");
        const address = yield* addressOf(store, flags.host);
        const shown = yield* withKeys(flags, (keys) => keys.look(address)).pipe(
          Effect.catchTag("ContactError", notReached),
        );
        yield* screen.result(
          flags.output === "json"
            ? canonicalJson({ host: address.host, ...shown })
            : viewShown(address.host, shown),
        );
      }),
    );
  }),
).pipe(
  Command.withDescription(
    "Show the key that a host shows now, with its proof, and the keys that it is trusted by. It is a handshake and no more: nobody logs in, no command is sent, and nothing is written.\n\nExit codes: 0 shown, whatever key it is, 1 wrong arguments or no such host, 2 the host was not reached, or the store failed.",
  ),
  Command.withShortDescription("The key that a host shows now"),
  Command.withExamples([
    { command: "muster host hostkey show t-linux64-001.test.example", description: "One host" },
  ]),
);

const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why; it stands in the audit"),
  Flag.withMetavar("TEXT"),
);

const confirm = Flag.Boolean("confirm").pipe(
  Flag.withDescription("Accept the key that is shown; without this it is only shown"),
  Flag.withDefault(false),
);

const expected = Flag.String("fingerprint").pipe(
  Flag.withDescription("Accept this key and no other, as the host's console tells it: SHA256:…"),
  Flag.withMetavar("SHA256"),
  Flag.optional,
);

const acceptKey = Command.make(
  "accept",
  { host: hostArgument, reason, fingerprint: expected, confirm, dryRun, ...sshFlags },
  Effect.fn("host hostkey accept")(function* (flags) {
    const why = yield* checkReason(flags.reason);
    const meant = yield* fingerprintOf(flags.fingerprint);
    const isAsked = !flags.dryRun && (flags.confirm || meant !== null);
    yield* Effect.scoped(
      Effect.gen(function* () {
        const screen = yield* Out;
        const store = yield* openInventory(flags, isAsked ? "write" : "read");
        const address = yield* addressOf(store, flags.host);
        const name = address.host;
        const shown = yield* withKeys(flags, (keys) => keys.look(address)).pipe(
          Effect.catchTag("ContactError", notReached),
        );
        const tell = (written: Accepted | null) =>
          screen.result(
            flags.output === "json"
              ? canonicalJson({ host: name, ...shown, accepted: written })
              : viewAccepted(name, shown, written),
          );
        yield* refuseOthers(name, shown, meant);
        if (shown.verdict === "known" || !isAsked) return yield* tell(null);
        if (flags.output === "human") yield* screen.say(viewShown(name, shown));
        const act = {
          action: "accept host key",
          host: name,
          parameters: {
            ...{ type: shown.type, fingerprint: shown.fingerprint, file: shown.file },
            before: shown.standing.map(({ type, fingerprint }) => ({ type, fingerprint })),
          },
        };
        const came = yield* audited(store, act, yield* wordOf(why), (before) =>
          withKeys(flags, (keys) => keys.accept(address, shown.fingerprint, before)).pipe(
            Effect.map((accepted) => ({ ...cameOf(accepted), accepted, error: null })),
            // It was not written: that is its outcome, and what the person is told.
            Effect.catchTag("HostKeyError", (error) =>
              Effect.succeed({ ...failed, accepted: null, error }),
            ),
            Effect.catchTag("ContactError", notReached),
          ),
        );
        if (came.error !== null) return yield* endOf(came.error);
        yield* tell(came.accepted);
      }),
    );
  }),
).pipe(
  Command.withDescription(
    "Trust the key that a host shows now, such as after it was set up anew. It shows the key and those that the host was trusted by; with --confirm or --fingerprint exactly that key takes their place in known_hosts: the first file of UserKnownHostsFile that can be written, as a whole, with everything else in it as it was. Compare the fingerprint with what the host's console shows; --fingerprint proves that somebody did. The audit has it before the file is written. A revoked key is never accepted.\n\nExit codes: 0 accepted, known already, or only shown, 1 wrong arguments or no such host, 2 the host was not reached, or the file or the store failed, 5 refused: another key than the one that was meant, or a revoked one.",
  ),
  Command.withShortDescription("Trust the key that a host shows now"),
  Command.withExamples([
    {
      command: "muster host hostkey accept t-linux64-001.test.example --reason 'set up anew'",
      description: "See it first",
    },
    {
      command:
        "muster host hostkey accept t-linux64-001.test.example --reason 'set up anew' --fingerprint SHA256:ayoIFKv1y6Z1sn0lgVHNhu5xjc6NVmXtGn2h8FQp3yE",
      description: "The key that its console shows, and no other",
    },
  ]),
);

const addressOf = Effect.fnUntraced(function* (store: StoreShape, called: string) {
  const roll = yield* loadRoll(store);
  return roll.hosts.get(yield* knownHost(roll, called))!.address satisfies HostAddress;
});

const notReached = ({ message, remedy }: { readonly message: string; readonly remedy: string }) =>
  Effect.fail(new CommandEnd({ code: exitCodes["infrastructure failed"], message, remedy }));

/** SHA-256 in base64 without padding, as ssh-keygen shows it. */
const fingerprintPattern = /^SHA256:[A-Za-z0-9+/]{43}$/u;

const fingerprintOf = (given: Option.Option<string>): Effect.Effect<string | null, CommandEnd> => {
  if (Option.isNone(given)) return Effect.succeed(null);
  const text = given.value.trim().replace(/=+$/u, "");
  return fingerprintPattern.test(text)
    ? Effect.succeed(text)
    : Effect.fail(
        wrongInput(
          `--fingerprint ${quote(text)} is no fingerprint`,
          "give it as `ssh-keygen -lf` shows it: SHA256: and 43 characters",
        ),
      );
};

const refuseOthers = (
  host: string,
  shown: ShownHostKey,
  meant: string | null,
): Effect.Effect<void, CommandEnd> => {
  const key = `${escapeText(shown.type)} ${shown.fingerprint}`;
  if (shown.verdict === "revoked") {
    return Effect.fail(
      new CommandEnd({
        code: exitCodes.refused,
        message: `${quote(host)} shows ${key}, which was revoked`,
        remedy: "give the host another key; a revoked one can never be accepted",
      }),
    );
  }
  return meant === null || meant === shown.fingerprint
    ? Effect.void
    : Effect.fail(
        new CommandEnd({
          code: exitCodes.refused,
          message: `${quote(host)} shows ${key}, and not ${meant}`,
          remedy: "find out what answers there before anything else",
        }),
      );
};

const cameOf = ({ file, replaced, left }: Accepted): Came => ({
  outcome: "done",
  found: { file, replaced: replaced.length, left: left.length },
});

const failed: Came = { outcome: "failed", found: {} };

const endOf = (error: HostKeyError): CommandEnd =>
  new CommandEnd({
    ...{ message: error.message, remedy: error.remedy },
    code: error.reason === "File" ? exitCodes["infrastructure failed"] : exitCodes.refused,
  });

const verdictWords: Readonly<Record<ShownHostKey["verdict"], string>> = {
  known: "it is trusted",
  changed: "another one is trusted",
  revoked: "it was revoked",
  unknown: "nothing is known of this host",
};

const viewShown = (host: string, shown: ShownHostKey): string =>
  [
    `${escapeText(host)} shows ${escapeText(shown.type)} ${shown.fingerprint}: ${verdictWords[shown.verdict]}`,
    ...shown.standing.map(
      ({ type, fingerprint, file, line }) =>
        `  trusted: ${escapeText(type)} ${fingerprint}  (${escapeText(file, 400)}:${line})`,
    ),
  ].join("\n");

const viewAccepted = (host: string, shown: ShownHostKey, written: Accepted | null): string => {
  if (written === null) {
    return shown.verdict === "known"
      ? `${viewShown(host, shown)}\nnothing to do`
      : `${viewShown(host, shown)}\nnothing was written: compare it with what the host's console shows, then add --fingerprint ${shown.fingerprint}, or --confirm`;
  }
  return [
    `${escapeText(host)} is trusted by ${escapeText(shown.type)} ${shown.fingerprint}, in ${escapeText(written.file, 400)}`,
    ...written.replaced.map(
      ({ type, fingerprint }) => `  in place of ${escapeText(type)} ${fingerprint}`,
    ),
    ...written.left.map(
      ({ type, fingerprint, file, line }) =>
        `  still trusted, too: ${escapeText(type)} ${fingerprint}  (${escapeText(file, 400)}:${line}: change it by hand)`,
    ),
  ].join("\n");
};

export const hostkey = Command.make("hostkey").pipe(
  Command.withDescription("The keys that hosts show, and which of them are trusted."),
  Command.withShortDescription("See and accept host keys"),
  Command.withSubcommands([show, acceptKey]),
  Command.withExamples([
    { command: "muster host hostkey show t-linux64-001.test.example", description: "One host" },
  ]),
);
