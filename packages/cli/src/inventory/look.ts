// Looks at hosts for a person: tells each as it answers, counts what is left, and says by its exit code how it went.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Flag from "effect/cli/Flag";
import { canonicalJson, escapeText, Store, type StoreError, type StoreShape } from "@muster/core";
import type { Look } from "@muster/core/inventory/history";
import { Prober, refresh, type Refreshed } from "@muster/core/inventory/refresh";
import { WorkerSource } from "@muster/core/inventory/worker-source";
import type { HostAddress } from "@muster/core/words/contact";
import { contactRemedies } from "@muster/core/words/remedy";
import { type CommandEnd, endWith, wrongInput } from "../exit.ts";
import { spareMemory } from "../memory.ts";
import { viewEnd, viewMessage } from "../screen/host-view.ts";
import { Out } from "../screen/out.ts";
import { Wiring } from "../wiring.ts";
import { viewUnread, workersOf } from "./workers.ts";

export const lookFlags = {
  fast: Flag.Boolean("fast").pipe(
    Flag.withDescription(
      "Only whether each host can be reached, and its worker; by default all that is asked",
    ),
    Flag.withDefault(false),
  ),
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withDescription("How many hosts are looked at at a time; 64 when not given"),
    Flag.withDefault(64),
  ),
  sshConfig: Flag.String("ssh-config").pipe(
    Flag.withDescription("OpenSSH's configuration to go by (MUSTER_SSH_CONFIG; ~/.ssh/config)"),
    Flag.withMetavar("FILE"),
    Flag.optional,
  ),
  timeout: Flag.Int("timeout").pipe(
    Flag.withDescription(
      "Seconds for each of login and answer; 20 and 60 when not given. For what comes before, ConnectTimeout of the SSH configuration",
    ),
    Flag.withMetavar("SECONDS"),
    Flag.optional,
  ),
  acceptNew: Flag.Boolean("accept-new").pipe(
    Flag.withDescription(
      "Trust the key of a host that has none in known_hosts, and add it there, whatever the SSH configuration says",
    ),
    Flag.withDefault(false),
  ),
};

export interface LookFlags {
  readonly fast: boolean;
  readonly concurrency: number;
  readonly sshConfig: Option.Option<string>;
  readonly timeout: Option.Option<number>;
  readonly acceptNew: boolean;
  readonly output: "human" | "json";
}

const mostAtOnce = 1_024;
const mostSeconds = 3_600;

const noSeeds = "no seeds yet, so there is nobody to look at: inventory seed add HOST";

/** So many are over before the garbage that they leave counts, and go faster when it may lie. */
const fewHosts = 500;

/** Before anything is done for so many hosts. */
export const spareMemoryFor = (hosts: number): Effect.Effect<void> =>
  hosts > fewHosts ? spareMemory : Effect.void;

/** Ends with 2 when no host answered, and with 6 when some did not, or a pool could not be read. */
export const lookAt = Effect.fnUntraced(function* (
  store: StoreShape,
  addresses: ReadonlyArray<HostAddress>,
  flags: LookFlags,
): Effect.fn.Return<void, CommandEnd | StoreError> {
  if (flags.concurrency < 1 || flags.concurrency > mostAtOnce) {
    return yield* wrongInput(
      `--concurrency ${flags.concurrency} cannot be kept`,
      `give 1 to ${mostAtOnce}`,
    );
  }
  const timeout = Option.getOrUndefined(flags.timeout);
  if (timeout !== undefined && (timeout < 1 || timeout > mostSeconds)) {
    return yield* wrongInput(`--timeout ${timeout} cannot be kept`, `give 1 to ${mostSeconds}`);
  }
  const screen = yield* Out;
  if (addresses.length === 0) return yield* screen.say(noSeeds);
  const wiring = yield* Wiring;
  const workers = yield* workersOf(store);
  let left = addresses.length;
  const onLook = (look: Look) =>
    Effect.suspend(() => {
      left -= 1;
      const line = flags.output === "json" ? canonicalJson(look.observation) : viewLook(look, left);
      return screen.result(line);
    });
  const { seen, warnings } = yield* Effect.gen(function* () {
    const prober = yield* Prober;
    const refreshed = yield* refresh(addresses, {
      scope: flags.fast ? "fast" : "full",
      concurrency: flags.concurrency,
      onLook,
    });
    return { seen: refreshed, warnings: yield* prober.warnings ?? Effect.succeed([]) };
  }).pipe(
    Effect.provideService(Store, store),
    Effect.provideService(WorkerSource, workers),
    // Each host is asked once: a connection that stays open serves nobody, and a thousand of them
    // hold more than all the rest.
    Effect.provide(wiring.prober({ env: screen.env, ...flags, maxConnections: flags.concurrency })),
    Effect.catchIf(
      (error): error is { readonly message: string } => !("_tag" in error),
      ({ message }) =>
        Effect.fail(
          wrongInput(`SSH cannot be set up: ${message}`, "name a file with --ssh-config"),
        ),
    ),
  );
  yield* screen.say(viewSum(seen));
  for (const warning of warnings) yield* screen.say(`warning: ${warning}`);
  for (const unread of seen.unread) yield* screen.say(viewUnread(unread));
  const silent = addresses.length - seen.answered;
  if (silent > 0) return yield* endWith(seen.answered === 0 ? 2 : 6);
  if (seen.unread.length > 0) return yield* endWith(6);
});

export const viewLook = ({ observation }: Look, left: number): string => {
  const { host, contact, facts, trouble } = observation;
  const said =
    contact === undefined
      ? escapeText(trouble ?? "not asked")
      : contact.reason === null
        ? `ok  ${escapeText(facts?.role ?? "no role")}${facts?.overrideSha ? "  override" : ""}`
        : `${viewEnd(contact)}  ${viewMessage(host, contact.message)}`;
  const worker =
    contact === undefined || trouble === undefined ? "" : `  ${escapeText(trouble, 200)}`;
  return `${escapeText(host, host.length)}  ${said}${worker}${left > 0 ? `  (${left} left)` : ""}`;
};

/** How many ended how, and what can be done about each of the others. */
const viewSum = ({ answered, silent }: Refreshed): string => {
  const reasons = Array.from(silent).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    [`${answered} answered`, ...reasons.map(([reason, count]) => `${count} ${reason}`)].join(", "),
    ...reasons.map(([reason]) => `  ${reason}: ${contactRemedies[reason]}`),
  ].join("\n");
};
