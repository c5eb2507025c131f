// Names how one line is had run on one host: once, and never without the word that goes before.

import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type { ContactError, ExecAnswer, HostAddress } from "../words/contact.ts";

export type HostStream = "stdout" | "stderr";

export interface Sending<E> {
  /** What the host's shell is given. */
  readonly line: string;
  /** Runs when the host has let us in, and before anything of the line leaves; its failure sends nothing. */
  readonly before: Effect.Effect<void, E>;
  /** Told of each piece of output as it arrives; nothing of it is kept. */
  readonly hear: (stream: HostStream, bytes: Uint8Array) => void;
  /** The time until its end, in milliseconds; afterwards it is `disconnected`, and may go on. */
  readonly timeoutMillis: number;
}

export interface SenderShape {
  /** Sends it once at most. An error at the step `exec` means that it may have run. */
  readonly send: <E>(
    address: HostAddress,
    sending: Sending<E>,
  ) => Effect.Effect<ExecAnswer, ContactError | E>;
}

export class Sender extends Context.Service<Sender, SenderShape>()(
  "@muster/core/inventory/send/Sender",
) {}
