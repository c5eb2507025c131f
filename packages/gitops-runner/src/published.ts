// Reads what a status commit says of the run that wrote it. Anybody may have written it: nothing is believed.

import * as Effect from "effect/Effect";
import type { AuditHead } from "@muster/core/words/audit";
import { readObjects } from "./batch.ts";
import { GitError } from "./error.ts";
import type { Git } from "./git.ts";

const commitLimit = 1024 * 1024;
const planLimit = 1_000;

/** The trailers of a status commit; what is missing or malformed is nothing. */
export interface Published {
  readonly run: string | null;
  readonly source: string | null;
  readonly plans: ReadonlyArray<string>;
  readonly audit: AuditHead | null;
  readonly trace: string | null;
  readonly previous: string | null;
}

/** What the given status commit says; one that is larger than muster writes says nothing. */
export const readPublished = (request: {
  readonly cache: string;
  readonly commit: string;
}): Effect.Effect<Published, GitError, Git> =>
  Effect.gen(function* () {
    const [commit] = yield* readObjects({
      cache: request.cache,
      operation: "status",
      names: [`${request.commit}^{commit}`],
      limit: commitLimit,
    }).pipe(
      Effect.catchIf(
        (error) => error.reason === "TooLarge",
        () => Effect.succeed([nothingSaid]),
      ),
    );
    if (commit === undefined || commit === null) {
      return yield* new GitError({
        reason: "NotFound",
        operation: "status",
        message: "the status commit is not in the copy of the repository",
        remedy: "fetch again",
      });
    }
    return parsePublished(commit.bytes.toString("utf8"));
  });

const nothingSaid = { bytes: Buffer.alloc(0) };

/** Reads the trailers of a raw commit. Pure. */
export const parsePublished = (raw: string): Published => {
  const trailers = trailersOf(raw);
  const one = (name: string, pattern: RegExp): string | null => {
    const values = trailers.filter(([found]) => found === name).map(([, value]) => value);
    const [value] = values;
    return values.length === 1 && value !== undefined && pattern.test(value) ? value : null;
  };
  return {
    run: one("Muster-Run", /^[A-Za-z0-9._:-]{1,100}$/),
    source: one("Muster-Source", commitPattern),
    plans: trailers
      .filter(([name, value]) => name === "Muster-Plan" && /^sha256:[0-9a-f]{64}$/.test(value))
      .map(([, value]) => value)
      .slice(0, planLimit),
    audit: auditHeadOf(
      one("Muster-Audit", /^(?:0|[1-9][0-9]{0,14}):(?:genesis|sha256:[0-9a-f]{64})$/),
      one("Muster-Audit-Chain", /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/),
    ),
    trace: one("Muster-Trace", /^[0-9a-f]{32}$/),
    previous: one("Muster-Prev", commitPattern),
  };
};

const commitPattern = /^[0-9a-f]{40}$/;

/** The lines `Name: value` of the last paragraph of a message. */
const trailersOf = (raw: string): ReadonlyArray<readonly [string, string]> => {
  const message = raw.slice(raw.indexOf("\n\n") + 2).trimEnd();
  const last = message.slice(message.lastIndexOf("\n\n") + 2);
  return last.split("\n").flatMap((line) => {
    const found = /^(Muster-[A-Za-z-]+): (.*)$/.exec(line);
    return found === null ? [] : [[found[1]!, found[2]!] as const];
  });
};

const auditHeadOf = (head: string | null, chain: string | null): AuditHead | null => {
  if (head === null || chain === null) return null;
  const colon = head.indexOf(":");
  const seq = Number(head.slice(0, colon));
  const hash = head.slice(colon + 1);
  return (seq === 0) === (hash === "genesis") ? { chain, seq, hash } : null;
};
