// Decides whether a head may be acted on: it continues what was acted on before, and signers vouch for it.

import { access, constants, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { readObjects } from "./batch.ts";
import { deepen, isCut, lastStep, type Origin, shallowCommits } from "./complete.ts";
import { GitError } from "./error.ts";
import { Git } from "./git.ts";
import { readKeyring, verifyDetached } from "./openpgp.ts";
import { quoteOutside } from "./redact.ts";
import { isObjectId } from "./refs.ts";
import { splitSignature } from "./signed-commit.ts";

/** Commits that one check may walk. */
export const walkLimit = 10_000;

const keyringLimit = 4 * 1024 * 1024;
const commitLimit = 1024 * 1024;
const signatureTimeout = 10 * 60_000;
/** Commits whose signatures are checked by one process. */
const batchSize = 200;

/** Whom the operator trusts: a file in the format of ssh-keygen, or one of public PGP keys. */
export type Signers = { readonly allowedSigners: string } | { readonly allowedKeyring: string };

export type VerifyReason =
  | "SignedByNamedSigner"
  | "NoSignersNamed"
  | "SourceRewritten"
  | "CommitNotSigned"
  | "SignatureNotAccepted"
  | "TooManyCommits"
  | "SourceEmptied";

export interface Verification {
  /** `Unknown` (no signers named) does not block; `False` plans but does not apply. */
  readonly status: "True" | "False" | "Unknown";
  readonly reason: VerifyReason;
  readonly message: string;
  readonly remedy?: string;
  /** Who vouches for the head itself, when somebody does. */
  readonly signer: string | null;
  /** The head does not continue what was last acted on. */
  readonly rewritten: boolean;
}

export interface VerifyRequest {
  readonly cache: string;
  readonly head: string;
  /** The commit that was last acted on; nothing at first contact. */
  readonly lastActed: string | null;
  readonly signers: Signers | null;
  /** Where older commits come from when the copy lacks them. */
  readonly origin: Origin;
}

/**
 * With signers the first-parent line from the last acted commit to the head is checked, oldest
 * first: a signed merge vouches for what it merges. The head itself is always checked; at first
 * contact, and when the last acted commit is not known any more, it alone.
 */
export const verifySource = (request: VerifyRequest): Effect.Effect<Verification, GitError, Git> =>
  Effect.gen(function* () {
    const descent = yield* descentOf(request, 0);
    const rewritten = descent === "Rewritten" || descent === "Unknown";
    const signed = yield* verifySigners(request, descent);
    return rewritten ? { ...rewrittenAnswer(request), signer: signed.signer } : signed;
  });

/** - `First`: nothing was acted on · `Same` · `Continues` · `Rewritten` · `Unknown`: not in the copy */
type Descent = "First" | "Same" | "Continues" | "Rewritten" | "Unknown";

/** A copy without its older commits is deepened until it can tell: what is missing was not rewritten. */
const descentOf = (request: VerifyRequest, step: number): Effect.Effect<Descent, GitError, Git> =>
  Effect.gen(function* () {
    const { cache, head, lastActed } = request;
    if (lastActed === null) return "First";
    if (lastActed === head) return "Same";
    if (!isObjectId(lastActed)) return "Unknown";
    const seen = yield* descentSeen(cache, head, lastActed);
    if (seen === "Continues" || step > lastStep || !(yield* isCut(cache, head))) return seen;
    yield* deepen(cache, request.origin, step);
    return yield* descentOf(request, step + 1);
  });

const descentSeen = (
  cache: string,
  head: string,
  lastActed: string,
): Effect.Effect<"Continues" | "Rewritten" | "Unknown", GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const ask = (words: ReadonlyArray<string>) =>
      git.run({ operation: "verify", folder: cache, arguments: words, accept: [1, 128] });
    const { code } = yield* ask(["merge-base", "--is-ancestor", lastActed, head]);
    if (code === 0) return "Continues";
    if (code === 1) return "Rewritten";
    // Also said of a copy that is broken: then the head is not there either.
    yield* git.run({ operation: "verify", folder: cache, arguments: ["cat-file", "-e", head] });
    return "Unknown";
  });

/** A server that sends the whole history sends the parents of every commit. */
const withheld = Effect.fail(
  new GitError({
    reason: "Corrupt",
    operation: "verify",
    message: "the remote withholds commits between the last acted one and the head",
    remedy: "see that the repository on the server is a whole clone (git fetch --unshallow there)",
  }),
);

const short = (commit: string): string => commit.slice(0, 12);

/** Consent to a head that nothing leads up to; `runOnce` takes it as a first contact. */
const acceptance = (head: string): string =>
  `muster approve ${head} --reason TEXT --repo URL --env NAME (nothing is applied until then)`;

const rewrittenAnswer = (request: VerifyRequest): Omit<Verification, "signer"> => ({
  status: "False",
  reason: "SourceRewritten",
  message: `${short(request.head)} does not continue ${quoteOutside(request.lastActed?.slice(0, 12) ?? "")}, which was last acted on: the history was rewritten`,
  remedy: `restore the branch, or look at the plan and accept this head: ${acceptance(request.head)}`,
  rewritten: true,
});

const noSigners: Verification = {
  status: "Unknown",
  reason: "NoSignersNamed",
  message: "the operator named no signers, so commits are taken as they come",
  signer: null,
  rewritten: false,
};

const verifySigners = (
  request: VerifyRequest,
  descent: Descent,
): Effect.Effect<Verification, GitError, Git> =>
  Effect.gen(function* () {
    if (request.signers === null) return noSigners;
    const line = yield* lineOf(request, descent, 0);
    if (line.length > walkLimit) return tooMany(request);
    const check = yield* signatureCheck(request.cache, request.signers);
    let signer: string | null = null;
    for (let at = 0; at < line.length; at += batchSize) {
      const batch = line.slice(at, at + batchSize);
      const answers = yield* check(batch);
      const bad = answers.findIndex((answer) => Result.isFailure(answer));
      if (bad !== -1) return notVouched(batch[bad]!, answers[bad]!);
      signer = answers.map(Result.getOrNull).at(-1) ?? signer;
    }
    return vouched(line, signer);
  });

/**
 * The commits to check, oldest first. A line that ends where the copy left out the parents is not
 * whole: who checked it would pass over the commits behind.
 */
const lineOf = (
  request: VerifyRequest,
  descent: Descent,
  step: number,
): Effect.Effect<ReadonlyArray<string>, GitError, Git> =>
  Effect.gen(function* () {
    if (descent === "First" || descent === "Same" || descent === "Unknown") return [request.head];
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "verify",
      folder: request.cache,
      arguments: [
        ...["rev-list", "--first-parent", `--max-count=${walkLimit + 1}`],
        ...[request.head, `^${request.lastActed}`, "--"],
      ],
    });
    const line = answer.output.toString("utf8").split("\n").filter(isObjectId).toReversed();
    const cut = yield* shallowCommits(request.cache);
    if (line.length <= walkLimit && line.some((commit) => cut.has(commit))) {
      if (step > lastStep) return yield* withheld;
      yield* deepen(request.cache, request.origin, step);
      return yield* lineOf(request, descent, step + 1);
    }
    return line.length === 0 ? [request.head] : line;
  });

interface CommitFault {
  readonly reason: "CommitNotSigned" | "SignatureNotAccepted";
  readonly message: string;
}

/** For each commit its signer, or what is wrong. */
type SignatureCheck = (
  commits: ReadonlyArray<string>,
) => Effect.Effect<ReadonlyArray<Result.Result<string, CommitFault>>, GitError, Git>;

const signatureCheck = (
  cache: string,
  signers: Signers,
): Effect.Effect<SignatureCheck, GitError, Git> =>
  "allowedSigners" in signers
    ? sshCheck(cache, signers.allowedSigners)
    : pgpCheck(cache, signers.allowedKeyring);

const sshCheck = (cache: string, file: string): Effect.Effect<SignatureCheck, GitError, Git> =>
  Effect.gen(function* () {
    yield* readSignersFile(file);
    const git = yield* Git;
    const program = yield* findProgram("ssh-keygen", git.searchPath);
    return (commits) =>
      Effect.map(
        git.run({
          operation: "verify",
          folder: cache,
          arguments: [
            ...["-c", `gpg.ssh.allowedSignersFile=${file}`, "-c", `gpg.ssh.program=${program}`],
            ...["log", "--no-walk=unsorted", "--stdin", "--no-color", "--no-notes"],
            "--format=%H%x00%G?%x00%GS%x00%GF",
          ],
          input: `${commits.join("\n")}\n`,
          timeoutMillis: signatureTimeout,
        }),
        (answer) => readSshAnswers(commits, answer.output.toString("utf8")),
      );
  });

/**
 * Git's own verdict per commit: only `G`, a good signature by a principal of the file, counts.
 * PGP signatures cannot get there, because gpg is switched off.
 */
const readSshAnswers = (
  commits: ReadonlyArray<string>,
  output: string,
): ReadonlyArray<Result.Result<string, CommitFault>> => {
  const lines = new Map(
    output.split("\n").map((line) => {
      const [commit = "", ...verdict] = line.split("\0");
      return [commit, verdict] as const;
    }),
  );
  return commits.map((commit) => {
    const [verdict = "", principal = "", key = ""] = lines.get(commit) ?? [];
    if (verdict === "G") return Result.succeed(quoteOutside(`${principal} ${key}`));
    // Git says so too of a PGP signature, which it cannot check here.
    if (verdict === "N") return Result.fail({ ...unsigned, message: "has no SSH signature" });
    const message =
      verdict === "U"
        ? `is signed by ${quoteOutside(key)}, which is not in the signers file`
        : "has no valid SSH signature";
    return Result.fail({ reason: "SignatureNotAccepted", message } as const);
  });
};

const unsigned: CommitFault = { reason: "CommitNotSigned", message: "is not signed" };

const pgpCheck = (cache: string, file: string): Effect.Effect<SignatureCheck, GitError, Git> =>
  Effect.gen(function* () {
    const keyring = yield* Effect.flatMap(readSignersFile(file), readKeyring);
    const now = yield* Clock.currentTimeMillis;
    const checkOne = (raw: Buffer): Effect.Effect<Result.Result<string, CommitFault>, GitError> => {
      const signed = splitSignature(raw);
      if (signed === "Unsigned") return Effect.succeed(Result.fail(unsigned));
      if (signed === "Malformed" || !signed.signature.startsWith("-----BEGIN PGP SIGNATURE-----")) {
        const message = "has a signature that is not a plain PGP signature";
        return Effect.succeed(Result.fail({ reason: "SignatureNotAccepted", message }));
      }
      return Effect.map(
        verifyDetached({
          keyring,
          payload: signed.payload,
          armoredSignature: signed.signature,
          now,
        }),
        Result.mapError(({ message }) => ({
          reason: "SignatureNotAccepted" as const,
          message: `has a signature that does not count: ${message}`,
        })),
      );
    };
    return (commits) =>
      Effect.flatMap(
        readObjects({
          cache,
          operation: "verify",
          names: commits.map((commit) => `${commit}^{commit}`),
          limit: commits.length * commitLimit,
        }),
        Effect.forEach((object) =>
          object === null ? Effect.succeed(Result.fail(unsigned)) : checkOne(object.bytes),
        ),
      );
  });

const readSignersFile = (file: string): Effect.Effect<Uint8Array, GitError> =>
  Effect.tryPromise({
    try: async () => {
      const found = await stat(file);
      if (!found.isFile() || found.size > keyringLimit) throw new Error("not a small file");
      return readFile(file);
    },
    catch: () =>
      new GitError({
        reason: "Invalid",
        operation: "verify",
        message: `the signers file ${quoteOutside(file)} cannot be read`,
        remedy: "check the path; it must be a file of at most 4 MiB",
      }),
  });

/** The absolute path of a program; without it git would take a signature for a bad one. */
const findProgram = (
  name: string,
  folders: ReadonlyArray<string>,
): Effect.Effect<string, GitError> =>
  Effect.findFirst(
    folders.map((folder) => join(folder, name)),
    (path) =>
      Effect.promise(() =>
        access(path, constants.X_OK).then(
          () => true,
          () => false,
        ),
      ),
  ).pipe(
    Effect.flatMap((found) =>
      found._tag === "Some"
        ? Effect.succeed(found.value)
        : Effect.fail(
            new GitError({
              reason: "Unsupported",
              operation: "verify",
              message: `${name} is not on PATH, so SSH signatures cannot be checked`,
              remedy: "install OpenSSH's client tools, or name a PGP keyring instead",
            }),
          ),
    ),
  );

const vouched = (line: ReadonlyArray<string>, signer: string | null): Verification => ({
  status: "True",
  reason: "SignedByNamedSigner",
  message: `${short(line.at(-1)!)} is signed by ${signer ?? "a named signer"}`,
  signer,
  rewritten: false,
});

const notVouched = (commit: string, answer: Result.Result<string, CommitFault>): Verification => {
  const fault = Result.isFailure(answer) ? answer.failure : unsigned;
  return {
    status: "False",
    reason: fault.reason,
    message: `commit ${commit} ${fault.message}`,
    remedy:
      "let a named signer sign it, or merge it with a signed merge; until then nothing is applied",
    signer: null,
    rewritten: false,
  };
};

const tooMany = (request: VerifyRequest): Verification => ({
  status: "False",
  reason: "TooManyCommits",
  message: `more than ${walkLimit} commits lie between ${short(request.lastActed ?? "")} and ${short(request.head)}`,
  remedy: `look at the plan and accept this head: ${acceptance(request.head)}`,
  signer: null,
  rewritten: false,
});
