// Builds the audit commit: new entries of the chain as one more file, nothing ever replaced.

import * as Effect from "effect/Effect";
import type { AuditEntry } from "@muster/core/words/audit";
import { canonicalJson } from "@muster/core/words/canonical";
import { readObjects } from "./batch.ts";
import { listTree } from "./blobs.ts";
import { GitError, invalid } from "./error.ts";
import type { Git } from "./git.ts";
import { remoteRef, type RefUpdate } from "./refs.ts";
import { commitTree } from "./tree.ts";
import { checkEnvironment } from "./url.ts";

/** What a chain may be called: it names a folder. */
const chainPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/**
 * The move of the audit branch by the entries, in `<chain>/<first seq, 12 digits>.jsonl`; nothing
 * when there are none, or when the branch holds exactly these already (a push whose answer was lost).
 * Fails with `Corrupt` when other entries stand in their place.
 */
export const buildAuditUpdate = (request: {
  readonly cache: string;
  readonly environment: string;
  /** The audit branch, as it was seen. */
  readonly current: string | null;
  readonly chain: string;
  readonly entries: ReadonlyArray<AuditEntry>;
}): Effect.Effect<RefUpdate | null, GitError, Git> =>
  Effect.gen(function* () {
    const environment = yield* checkEnvironment(request.environment);
    const { cache, current, chain, entries } = request;
    const [first] = entries;
    if (first === undefined) return null;
    yield* checkEntries(chain, entries);
    const path = `${chain}/${String(first.seq).padStart(12, "0")}.jsonl`;
    const text = entries.map((entry) => `${canonicalJson(entry)}\n`).join("");
    if (current !== null && (yield* holds(cache, `${current}:${path}`, text))) return null;
    const to = yield* commitTree({
      cache,
      files: new Map([[path, text]]),
      onto: "parent",
      parents: current === null ? [] : [current],
      subject: `muster: audit of ${environment}, ${entries.length} from ${first.seq}`,
    });
    return { ref: remoteRef("audit", environment), to, expected: current };
  });

const longestFile = 64 * 1024 * 1024;

/**
 * The last entry of a chain that the audit branch holds; 0 when it holds none. Stores may take
 * turns on one branch, so each chain is asked for by its own folder.
 */
export const lastPublished = (request: {
  readonly cache: string;
  readonly current: string | null;
  readonly chain: string;
}): Effect.Effect<number, GitError, Git> =>
  Effect.gen(function* () {
    const { cache, current, chain } = request;
    if (current === null) return 0;
    const entries = yield* listTree({ cache, commit: current, path: chain, files: auditFiles });
    // What others put beside them is no entry of the chain.
    const last = entries
      .flatMap((entry) => (auditFile.test(entry.path ?? "") ? [entry.path!] : []))
      .sort()
      .at(-1);
    const first = Number(auditFile.exec(last ?? "")?.[1] ?? 0);
    if (first === 0) return 0;
    const names = [`${current}:${last}`];
    const read = readObjects({ cache, operation: "audit", names, limit: longestFile });
    const [file] = yield* Effect.catchIf(
      read,
      (error) => error.reason === "TooLarge",
      () => otherEntries,
    );
    const lines = file?.bytes.filter((byte) => byte === newline).length ?? 0;
    return first + lines - 1;
  });

const auditFiles = 1_000_000;
const auditFile = /^[^/]+\/([0-9]{12})\.jsonl$/u;
const newline = 0x0a;

const checkEntries = (
  chain: string,
  entries: ReadonlyArray<AuditEntry>,
): Effect.Effect<void, GitError> => {
  const first = entries[0]?.seq ?? 0;
  const whole = entries.every(
    (entry, index) => entry.chain === chain && entry.seq === first + index,
  );
  return whole && chainPattern.test(chain)
    ? Effect.void
    : Effect.fail(
        invalid(
          "audit",
          "the entries are not one unbroken piece of the chain",
          "verify the audit chain of the store",
        ),
      );
};

const holds = (cache: string, name: string, text: string): Effect.Effect<boolean, GitError, Git> =>
  Effect.gen(function* () {
    const limit = Buffer.byteLength(text) + 1024;
    const [found] = yield* readObjects({ cache, operation: "audit", names: [name], limit });
    if (found === undefined || found === null) return false;
    if (found.bytes.toString("utf8") === text) return true;
    return yield* otherEntries;
  }).pipe(
    Effect.catchIf(
      (error) => error.reason === "TooLarge",
      () => otherEntries,
    ),
  );

const otherEntries = Effect.fail(
  new GitError({
    reason: "Corrupt",
    operation: "audit",
    message: "the audit branch holds other entries where these belong",
    remedy: "compare the branch with the audit of the store before anything else is applied",
  }),
);
