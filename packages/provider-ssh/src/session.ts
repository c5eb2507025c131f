// Keeps what muster asks of one SSH connection, and how it may end, in muster's own words.

import type { Duplex } from "node:stream";
import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { ContactReason, ContactStep, ExecAnswer } from "@muster/core/words/contact";

/** The time that each step may take, in milliseconds. */
export interface Deadlines {
  readonly connectMillis: number;
  readonly bannerMillis: number;
  /** The exchange of keys, with the look at the host's key. */
  readonly kexMillis: number;
  readonly authMillis: number;
  readonly channelMillis: number;
  readonly execMillis: number;
}

/** How a step failed, before anybody says to which host. */
export interface SessionFault {
  readonly reason: ContactReason;
  readonly step: ContactStep;
  /** Text from outside is quoted in it. */
  readonly message: string;
}

/** A private key that can be used. */
export interface UsableKey {
  /** As SSH sends it. */
  readonly publicKey: Buffer;
  /** What the transport signs with; nobody else looks into it. */
  readonly secret: object;
}

/** One key that may open the door, in the order of trying. */
export interface Identity {
  /** The file it comes from. */
  readonly file: string;
  /** The public half, when it can be told without the private one. */
  readonly publicKey: Buffer | null;
  /** Nothing when it cannot be used, which the notes of the attempt tell. */
  readonly open: (note: (text: string) => void) => Promise<UsableKey | null>;
}

export interface Agent {
  readonly socket: string;
  /** Only keys of the files are offered. */
  readonly onlyOfFiles: boolean;
}

export interface SessionRequest {
  /** What leads to the host: a connected socket, or a channel through another host. */
  readonly transport: Duplex;
  readonly user: string;
  /** The types of host keys to ask for first. */
  readonly hostKeyTypes: ReadonlyArray<string>;
  /** Says why a host's key is refused; nothing when it is good. */
  readonly verify: (key: Buffer) => SessionFault | null;
  /** Runs when the host has proven that the key is its own, and before anything is told to it. */
  readonly verified: Effect.Effect<void, SessionFault>;
  readonly agent: Agent | null;
  readonly identities: ReadonlyArray<Identity>;
  readonly deadlines: Deadlines;
  readonly keepaliveMillis: number;
  /** How many signs of life may be missed. */
  readonly keepaliveMisses: number;
}

/** One command; nothing of it is read by a shell of this machine. */
export interface ExecRequest {
  /** What the host's shell is given. */
  readonly command: string;
  readonly stdin?: Uint8Array;
  /** Told of each piece of output as it comes. Then nothing is kept, and no length is too long. */
  readonly hear?: (stream: "stdout" | "stderr", bytes: Uint8Array) => void;
  /** The bytes that are kept of each stream. Default 1 MiB and 64 KiB. */
  readonly maxStdout?: number;
  readonly maxStderr?: number;
  /** The time until its end, in milliseconds. Default that of the contact. */
  readonly timeoutMillis?: number;
}

/** A connection that was let in. Each exec is a channel of its own. */
export interface Session {
  /** How the host's SSH introduces itself; text from outside. */
  readonly banner: string;
  readonly exec: (request: ExecRequest) => Effect.Effect<ExecAnswer, SessionFault>;
  /** A stream to another host, seen from this one. */
  readonly forward: (
    host: string,
    port: number,
  ) => Effect.Effect<Duplex, SessionFault, Scope.Scope>;
  /** Whether it can still be used. */
  readonly isOpen: () => boolean;
  /** Ends when the connection does. */
  readonly ended: Effect.Effect<void>;
}
