// Rewrites a known_hosts file as a whole or not at all: under a lock, with its mode and owner, through its link.

import { constants } from "node:fs";
import {
  access,
  type FileHandle,
  mkdir,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { dirname, resolve } from "node:path";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import { escapeText, quote, shellWord } from "@muster/core/words/quote";

export interface RewriteFault {
  readonly message: string;
  readonly remedy: string;
}

/** The longest file that is rewritten, in bytes. */
const maxBytes = 64 * 1024 * 1024;

/** How often a lock that another holds is asked for again, 50 ms apart. */
const lockTries = 100;

/** How often the file may change under us. */
const rewrites = 5;

/** The first file that can be written, or made; nothing when none can. */
export const firstWritable = (files: ReadonlyArray<string>): Effect.Effect<string | null> =>
  Effect.promise(async () => {
    for (const file of files) if (await isWritable(file)) return file;
    return null;
  });

const isWritable = async (file: string): Promise<boolean> => {
  try {
    await access(file, constants.W_OK);
    return (await stat(file)).isFile();
  } catch (cause) {
    if (codeOf(cause) !== "ENOENT") return false;
    // Its folder is made when it is needed; one that is there must let us in.
    return access(dirname(file), constants.W_OK).then(
      () => true,
      (error) => codeOf(error) === "ENOENT",
    );
  }
};

/**
 * Writes what `change` makes of the text, whose bytes are Latin-1 so that none is lost. Others that
 * rewrite it wait; what any program added meanwhile is read anew, and `change` asked again.
 */
export const rewriteFile = <A extends { readonly text: string }>(
  file: string,
  change: (text: string) => A,
): Effect.Effect<A, RewriteFault> =>
  Effect.gen(function* () {
    const target = yield* tried(() => targetOf(file));
    yield* tried(() => mkdir(dirname(target), { recursive: true, mode: 0o700 }));
    return yield* Effect.scoped(
      Effect.andThen(
        locked(target),
        // Whoever gives up waits for its end: the lock must not go before.
        Effect.uninterruptible(tried(() => rewriteOnce(target, change))).pipe(
          Effect.flatMap((changed) =>
            changed === null ? Effect.fail(moved) : Effect.succeed(changed),
          ),
          Effect.retry({ while: (fault) => fault === moved, schedule: Schedule.recurs(rewrites) }),
        ),
      ),
    );
  }).pipe(
    Effect.mapError(({ message, remedy }) => ({
      message: `${quote(file)} cannot be written: ${message}`,
      remedy,
    })),
  );

const moved: RewriteFault = {
  message: "others write it all the time",
  remedy: "try again",
};

/** Where a link leads, also when nothing is there yet. */
const targetOf = async (file: string): Promise<string> => {
  try {
    return await realpath(file);
  } catch (cause) {
    if (codeOf(cause) !== "ENOENT") throw cause;
    const link = await readlink(file).catch(() => null);
    return link === null ? file : resolve(dirname(file), link);
  }
};

const locked = (target: string) => {
  const lock = `${target}.muster-lock`;
  const take = Effect.tryPromise({
    try: async () => {
      await withHandle(lock, "wx", (handle) => handle.writeFile(`${process.pid}\n`));
    },
    catch: (cause): RewriteFault & { readonly held: boolean } => ({
      ...{ held: codeOf(cause) === "EEXIST", message: `${quote(lock)}: ${said(cause)}` },
      remedy: `when no other muster runs: rm ${shellWord(lock)}`,
    }),
  });
  return Effect.acquireRelease(
    Effect.retry(take, {
      while: ({ held }) => held,
      ...{ schedule: Schedule.spaced(50), times: lockTries },
    }),
    () => Effect.promise(() => rm(lock, { force: true })),
  );
};

/** Nothing when the file is no longer what was read. */
const rewriteOnce = async <A extends { readonly text: string }>(
  target: string,
  change: (text: string) => A,
): Promise<A | null> => {
  const before = await read(target);
  const changed = change(before?.bytes.toString("latin1") ?? "");
  const fresh = `${target}.muster-${process.pid}`;
  try {
    await write(fresh, changed.text, before);
    const now = await read(target);
    const isSame =
      now === null || before === null ? now === before : now.bytes.equals(before.bytes);
    if (!isSame) return null;
    await rename(fresh, target);
  } finally {
    await rm(fresh, { force: true });
  }
  await withHandle(dirname(target), "r", (folder) => folder.sync());
  return changed;
};

interface Read {
  readonly bytes: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const read = async (target: string): Promise<Read | null> => {
  try {
    const { mode, uid, gid, size } = await stat(target);
    if (size > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
    return { bytes: await readFile(target), mode: mode & 0o777, uid, gid };
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return null;
    throw cause;
  }
};

/** A link that somebody laid there is not followed: the file is a new one. */
const write = async (fresh: string, text: string, like: Read | null): Promise<void> => {
  await rm(fresh, { force: true });
  await withHandle(fresh, "wx", async (handle) => {
    await handle.chmod(0o600);
    await handle.writeFile(Buffer.from(text, "latin1"));
    if (like !== null) {
      const own = await handle.stat();
      if (own.uid !== like.uid || own.gid !== like.gid) await handle.chown(like.uid, like.gid);
      await handle.chmod(like.mode);
    }
    await handle.sync();
  });
};

const withHandle = async (
  file: string,
  flags: string,
  use: (handle: FileHandle) => Promise<void>,
): Promise<void> => {
  const handle = await open(file, flags, 0o600);
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
};

const tried = <A>(act: () => Promise<A>): Effect.Effect<A, RewriteFault> =>
  Effect.tryPromise({
    try: act,
    catch: (cause) => ({ message: said(cause), remedy: "let this user write the file" }),
  });

const said = (cause: unknown): string => {
  const code = codeOf(cause);
  return escapeText(code ?? (cause instanceof Error ? cause.message : String(cause)), 200);
};

const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
