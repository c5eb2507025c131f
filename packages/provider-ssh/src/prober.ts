// Turns what a probe brings, or what kept it from the host, into one look: nothing of it is ever lost.

import { Buffer } from "node:buffer";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import type { Look } from "@muster/core/inventory/history";
import { type LookScope, Prober } from "@muster/core/inventory/refresh";
import type { ContactError, HostAddress } from "@muster/core/words/contact";
import type { HostObservation } from "@muster/core/words/host";
import { escapeText, quote } from "@muster/core/words/quote";
import { contactError } from "./faults.ts";
import type { FileFinding } from "./known-hosts.ts";
import { Ssh, type PoolOptions, type SshShape } from "./pool.ts";
import { probe, type ProbeOptions } from "./probe.ts";

export interface ProberOptions extends PoolOptions {
  readonly probe?: ProbeOptions;
}

/** Looks at hosts over SSH. Fails when the operator's configuration cannot be read. */
export const layerProber = (
  options: ProberOptions = {},
): Layer.Layer<Prober, { readonly message: string }> =>
  Layer.effect(
    Prober,
    Effect.map(Ssh, (ssh) => ({
      look: (address: HostAddress, scope: LookScope) => look(ssh, address, scope, options.probe),
      warnings: Effect.sync(() => ssh.findings().map(viewFinding)),
    })),
  ).pipe(Layer.provide(Ssh.layer(options)));

/** A finding on line 0 is one of the whole file. */
const viewFinding = ({ file, line, message }: FileFinding): string =>
  `${escapeText(file, maxPath)}${line === 0 ? "" : `:${line}`}: ${message}`;

/** The longest path that is told whole. */
const maxPath = 400;

const look = Effect.fnUntraced(function* (
  ssh: SshShape,
  address: HostAddress,
  scope: LookScope,
  options: ProbeOptions | undefined,
): Effect.fn.Return<Look> {
  // At the same time: the contact asks for the name, too, and both hear the same answer.
  const looking = yield* Effect.forkChild(lookUp(ssh, address), { startImmediately: true });
  const asked = yield* Effect.result(
    scope === "full" ? probe(ssh, address, options) : answer(ssh, address),
  );
  const dns = yield* Fiber.join(looking);
  const observation: HostObservation = {
    host: address.host,
    at: new Date(yield* Clock.currentTimeMillis).toISOString(),
    ...(dns === null ? {} : { dns }),
    contact: Result.match(asked, {
      onSuccess: () => ({ reason: null, step: null, message: null }),
      onFailure: ({ reason, step, message }) => ({ reason, step, message }),
    }),
  };
  if (Result.isFailure(asked) || asked.success === null) return { observation, override: null };
  const { facts, override } = asked.success;
  return {
    observation: { ...observation, facts },
    override: override === null ? null : Buffer.from(override).toString("base64"),
  };
});

/** A host answers when it runs a command, not when its connection was open a while ago. */
const answer = (ssh: SshShape, address: HostAddress): Effect.Effect<null, ContactError> =>
  Effect.flatMap(ssh.exec(address, { command: "exit 0" }), ({ code, signal }) => {
    if (code === 0) return Effect.succeed(null);
    // Something else ran: a shell that lets nobody in, or a command that the host forces.
    const end = signal === null ? `exit code ${String(code)}` : quote(signal);
    const message = `does not run what it is told: \`exit 0\` ended with ${end}`;
    return Effect.fail(
      contactError(address.host, null, { reason: "no-exec", step: "exec", message }),
    );
  });

/** Told apart from SSH: a name may be gone while a connection lasts. Nothing behind a bastion. */
const lookUp = (
  ssh: SshShape,
  address: HostAddress,
): Effect.Effect<NonNullable<HostObservation["dns"]> | null> =>
  ssh.addresses(address).pipe(
    Effect.map((addresses) => (addresses.length === 0 ? null : { addresses, trouble: null })),
    Effect.catch(({ reason, message }) =>
      Effect.succeed(reason === "dns" ? { addresses: [], trouble: message } : null),
    ),
  );
