// Acts on one host for a person: who may be acted on, one sending with its audit, its output shown, and the end told.

import type * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Option from "effect/Option";
import * as Queue from "effect/Queue";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import * as Argument from "effect/cli/Argument";
import * as Flag from "effect/cli/Flag";
import {
  canonicalJson,
  exitCodes,
  escapeText,
  type StoreError,
  type StoreShape,
} from "@muster/core";
import { refuseAct } from "@muster/core/inventory/act";
import type { ActEnd, Sent } from "@muster/core/inventory/act-end";
import type { Word } from "@muster/core/inventory/roll";
import { type HostStream, Sender } from "@muster/core/inventory/send";
import type { HostAddress } from "@muster/core/words/contact";
import type { MusterConfig } from "@muster/sdk";
import { CommandEnd, endWith, wrongInput } from "../exit.ts";
import { checkReason } from "../records.ts";
import { Out } from "../screen/out.ts";
import { loadConfig } from "../settings.ts";
import { Wiring } from "../wiring.ts";
import { type HostLines, makeHostLines, viewHostLine } from "./host-lines.ts";
import { lookFlags } from "./look.ts";
import { type InventoryFlags, inventoryFlags, loadRoll, openInventory, wordOf } from "./opened.ts";
import { knownHost } from "./select.ts";

export const hostArgument = Argument.String("host").pipe(
  Argument.withDescription("The name of a host"),
);

export const actFlags = {
  reason: Flag.String("reason").pipe(
    Flag.withDescription("Why; it stands in the audit"),
    Flag.withMetavar("TEXT"),
    Flag.optional,
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Show what would be done, and reach nothing"),
    Flag.withDefault(false),
  ),
  sshConfig: lookFlags.sshConfig,
  ...inventoryFlags,
};

export interface ActFlags extends InventoryFlags {
  readonly reason: Option.Option<string>;
  readonly dryRun: boolean;
  readonly sshConfig: Option.Option<string>;
}

export interface OpenedAct {
  readonly store: StoreShape;
  readonly address: HostAddress;
  readonly word: Word;
  readonly hosts: NonNullable<MusterConfig["hosts"]>;
}

/** A host that is on the roll and not disabled, and what the operator's configuration says of hosts. */
export const openAct = Effect.fnUntraced(function* (
  flags: ActFlags,
  called: string,
): Effect.fn.Return<OpenedAct, CommandEnd | StoreError, Scope.Scope> {
  const { env } = yield* Out;
  const reason = Option.isSome(flags.reason) ? yield* checkReason(flags.reason.value) : null;
  const { hosts = {} } = yield* loadConfig(flags.config, env);
  const store = yield* openInventory(flags, flags.dryRun ? "read" : "write");
  const roll = yield* loadRoll(store);
  const host = roll.hosts.get(yield* knownHost(roll, called))!;
  const refusal = refuseAct(host);
  if (refusal !== null) {
    return yield* new CommandEnd({
      ...{ code: exitCodes.refused, message: refusal.reason.text, remedy: refusal.remedy },
    });
  }
  return { store, address: host.address, word: yield* wordOf(reason), hosts };
});

/** What a dry run says: which line would be run where. */
export const tellDryRun = Effect.fnUntraced(function* (
  flags: ActFlags,
  host: string,
  line: string,
): Effect.fn.Return<void> {
  const screen = yield* Out;
  yield* screen.result(
    flags.output === "json"
      ? canonicalJson({ host, line, sent: false })
      : `would run on ${escapeText(host)}: ${escapeText(line, 2_000)}\nnothing was sent: this was a dry run`,
  );
});

interface ToSend {
  readonly address: HostAddress;
  readonly line: string;
  readonly timeoutMillis: number;
  readonly before: Effect.Effect<void, StoreError>;
  readonly hear: (stream: HostStream, bytes: Uint8Array) => void;
}

/** Sends one line, once. What happened on the way to the host is an answer; the store's failure is not. */
export const sendOnce = Effect.fnUntraced(function* (
  flags: ActFlags,
  { address, ...sending }: ToSend,
): Effect.fn.Return<Sent, CommandEnd | StoreError> {
  const { env } = yield* Out;
  const wiring = yield* Wiring;
  const send = Effect.gen(function* () {
    const sender = yield* Sender;
    return yield* sender.send(address, sending);
  });
  const sent = yield* Effect.result(
    Effect.provide(send, wiring.sender({ env, sshConfig: flags.sshConfig })),
  );
  if (Result.isSuccess(sent)) return { answer: sent.success };
  const error = sent.failure;
  if (!("_tag" in error)) return yield* noSsh(error);
  return error._tag === "ContactError" ? { error } : yield* error;
});

/** The operator's own SSH configuration cannot be read. */
export const noSsh = ({ message }: { readonly message: string }): CommandEnd =>
  wrongInput(`SSH cannot be set up: ${message}`, "name a file with --ssh-config");

/** Shows what a host says while it says it: each of its streams on ours, or an object for each line. */
export const streaming = <A, E, R>(
  flags: ActFlags,
  use: (hear: ToSend["hear"]) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const screen = yield* Out;
    const lines = makeHostLines();
    type Shown = ReturnType<HostLines["end"]>;
    // What waits to be shown is bounded as what is shown: lines are made as the pieces come.
    const waiting = yield* Queue.unbounded<Shown, Cause.Done>();
    const show = (shown: Shown) =>
      Effect.forEach(
        runsOf(shown),
        ([stream, texts]) =>
          flags.output === "json"
            ? screen.result(texts.map((text) => canonicalJson({ stream, text })).join("\n"))
            : (stream === "stdout" ? screen.result : screen.say)(
                texts.map(viewHostLine).join("\n"),
              ),
        { discard: true },
      );
    const showing = yield* Effect.forkChild(Stream.runForEach(Stream.fromQueue(waiting), show));
    const finish = Effect.gen(function* () {
      yield* Queue.end(waiting);
      yield* Fiber.join(showing);
      yield* show(lines.end());
      const dropped = lines.dropped();
      if (dropped > 0)
        yield* screen.say(`its output went on: about ${dropped} bytes are not shown`);
    });
    return yield* Effect.ensuring(
      use((stream, bytes) => {
        const shown = lines.add(stream, bytes);
        if (shown.length > 0) Queue.offerUnsafe(waiting, shown);
      }),
      finish,
    );
  });

/** Lines of one stream that follow each other, together: a host may say millions. */
const runsOf = (
  lines: ReturnType<HostLines["end"]>,
): ReadonlyArray<readonly [HostStream, ReadonlyArray<string>]> => {
  const runs: Array<readonly [HostStream, Array<string>]> = [];
  for (const { stream, text } of lines) {
    const last = runs.at(-1);
    if (last?.[0] === stream) last[1].push(text);
    else runs.push([stream, [text]]);
  }
  return runs;
};

/** The last word of an act: what came of it, and the exit code that says so. */
export const tellEnd = Effect.fnUntraced(function* (
  flags: ActFlags,
  host: string,
  end: ActEnd,
): Effect.fn.Return<void, CommandEnd> {
  const screen = yield* Out;
  const { verdict, outcome, found, message, remedy } = end;
  const code = exitCodes[verdict];
  if (flags.output === "json") {
    yield* screen.result(canonicalJson({ host, outcome, code, message, remedy, ...found }));
    return code === 0 ? undefined : yield* endWith(code);
  }
  if (code === 0) return yield* screen.say(message);
  return yield* new CommandEnd({ code, message, ...(remedy === null ? {} : { remedy }) });
});
