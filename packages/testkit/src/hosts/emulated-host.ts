// Says what an emulated host is to the function that answers its commands.

import type { HostFile } from "./host-fleet.ts";
import { uptimeOf, type HostState } from "./host-state.ts";

/** An emulated host as its commands see it. */
export interface EmulatedHost {
  readonly name: string;
  readonly bootId: string;
  readonly uptimeSeconds: number;
  /** Whether sudo asks for no password. */
  readonly sudo: boolean;
  /** The text of a file; nothing when there is none, or something else in its place. */
  readonly read: (path: string) => string | undefined;
  /** The bytes of a file; a link to another one is followed. */
  readonly bytes: (path: string) => Buffer | "something else" | undefined;
  /** Whether it was written; nothing removes the file. */
  readonly write: (path: string, content: string | undefined) => boolean;
  readonly reboot: () => void;
}

export interface EmulatedExec {
  readonly host: EmulatedHost;
  readonly command: string;
  /** All of its standard input; waits until the client has ended it. */
  readonly stdin: () => Promise<Buffer>;
  /** Says something before the end; `answer` of the end follows it. */
  readonly say: (stream: "stdout" | "stderr", text: string) => void;
  /** Ends after so many milliseconds, or when nobody hears it any more: then its answer is `false`. */
  readonly pause: (ms: number) => Promise<boolean>;
}

export interface EmulatedAnswer {
  /** Default 0. */
  readonly code?: number;
  readonly stdout?: string | Uint8Array;
  readonly stderr?: string;
}

/** What an emulated host answers to a command. A rejection is told on stderr, with exit code 255. */
export type Answerer = (exec: EmulatedExec) => EmulatedAnswer | Promise<EmulatedAnswer>;

/** The host of a state, with the files that it has now. */
export const emulatedHostOf = (
  state: HostState,
  files: Map<string, HostFile>,
  reboot: () => void,
): EmulatedHost => ({
  name: state.name,
  get bootId() {
    return state.bootId;
  },
  get uptimeSeconds() {
    return uptimeOf(state);
  },
  get sudo() {
    return state.options.sudo !== false && state.fault?.name !== "no-sudo";
  },
  read: (path) => textIn(files, path),
  bytes: (path) => bytesIn(files, path),
  write: (path, content) => {
    if (state.fault?.name === "read-only") return false;
    if (content === undefined) files.delete(path);
    else files.set(path, content);
    return true;
  },
  reboot,
});

/** The text of a file; nothing when there is none, or something else in its place. */
export const textIn = (files: ReadonlyMap<string, HostFile>, path: string): string | undefined => {
  const bytes = bytesIn(files, path);
  return Buffer.isBuffer(bytes) ? bytes.toString("utf8") : undefined;
};

/** As many links are followed as Linux follows. */
const mostLinks = 40;

const bytesIn = (
  files: ReadonlyMap<string, HostFile>,
  path: string,
): Buffer | "something else" | undefined => {
  let file = files.get(path);
  if (file === undefined) return undefined;
  for (let links = 0; typeof file === "object" && "is" in file; links += 1) {
    if (file.is !== "link" || links === mostLinks) return "something else";
    file = files.get(file.to);
  }
  return file === undefined ? "something else" : Buffer.from(file as string);
};
