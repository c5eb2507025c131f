// Reads known_hosts files, and adds a line to one so that no other writer's line is torn.

import type { BigIntStats } from "node:fs";
import { open, mkdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import * as Effect from "effect/Effect";
import { escapeText } from "@muster/core/words/quote";
import {
  readKnownHosts,
  type FileFinding,
  type KnownHosts,
  type KnownHostsText,
} from "./known-hosts.ts";

/** The longest file that is read, in bytes: more than a hundred thousand keys. */
const maxBytes = 64 * 1024 * 1024;

/** A file that is not there says nothing; one that cannot be read is a finding. Never fails. */
export const readKnownHostsFiles = (files: ReadonlyArray<string>): Effect.Effect<KnownHosts> =>
  Effect.gen(function* () {
    const read = yield* Effect.forEach(files, readText);
    const known = readKnownHosts(read.flatMap((entry) => ("text" in entry ? [entry] : [])));
    const faults = read.flatMap((entry) => ("message" in entry ? [entry] : []));
    return { ...known, findings: [...faults, ...known.findings] };
  });

const readText = (file: string): Effect.Effect<KnownHostsText | FileFinding> =>
  Effect.tryPromise(async () => {
    const { size } = await stat(file);
    if (size > maxBytes) return { file, line: 0, message: `is longer than ${maxBytes} bytes` };
    return { file, text: await readFile(file, "utf8") };
  }).pipe(
    Effect.catch(({ cause }) =>
      Effect.succeed(
        codeOf(cause) === "ENOENT"
          ? { file, text: "" }
          : { file, line: 0, message: `cannot be read: ${escapeText(String(codeOf(cause)))}` },
      ),
    ),
  );

const codeOf = (cause: unknown): unknown =>
  cause instanceof Error && "code" in cause ? cause.code : cause;

/** Another one for a file that was written or replaced; that of a file which is not there says so. */
export const stampOf = (file: string): Effect.Effect<string> =>
  Effect.promise(() =>
    stat(file, { bigint: true }).then(stampIn, (cause: unknown) => String(codeOf(cause))),
  );

const stampIn = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(" ");

/** What the file was before its new line, and what it is with nothing but this line added. */
export interface Added {
  readonly before: string;
  readonly after: string;
}

/**
 * Adds one whole line by one write at the end of the file, on disk before it returns. A file that
 * is not there is made, readable by its owner alone, and so is its folder.
 */
export const appendKnownHost = (
  file: string,
  line: string,
): Effect.Effect<Added, { readonly message: string }> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const before = await Effect.runPromise(stampOf(file));
      const handle = await open(file, "a+", 0o600);
      try {
        const { size } = await handle.stat();
        const last = Buffer.alloc(1);
        if (size > 0) await handle.read(last, 0, 1, size - 1);
        // A last line without an end would swallow ours.
        const text = size > 0 && last.toString() !== "\n" ? `\n${line}` : line;
        const { bytesWritten } = await handle.write(Buffer.from(text));
        if (bytesWritten !== Buffer.byteLength(text)) throw new Error("only a part was written");
        await handle.sync();
        const is = await handle.stat({ bigint: true });
        const alone = is.size === BigInt(size + bytesWritten);
        return { before, after: alone ? stampIn(is) : "" };
      } finally {
        await handle.close();
      }
    },
    catch: (cause) => ({ message: escapeText(String(codeOf(cause))) }),
  });
