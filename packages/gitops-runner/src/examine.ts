// Finds out whether a remote is fit for a runner, by trying it on branches of its own that are gone afterwards.
//
// The probe works in an environment that no runner has (`doctor-<hex>`), so nobody who reads a status
// sees it, and it never moves the watched branch: that is only asked for together with a move that no
// server can make, after the remote has shown that it then makes neither.

import * as Effect from "effect/Effect";
import { openCache } from "./cache.ts";
import { type GitError, invalid } from "./error.ts";
import { fetchBranch, lsRemote } from "./fetch.ts";
import { Git } from "./git.ts";
import { quoteOutside } from "./redact.ts";
import { remoteRef, zeroId } from "./refs.ts";
import { commitTree } from "./tree.ts";
import type { Repository } from "./url.ts";

/**
 * - `reachable`: the repository answers and has the watched branch
 * - `write`: the credentials may create branches below muster/status, muster/lease and muster/audit
 * - `lease`: a lease may replace the one before, which is no fast-forward
 * - `atomic`: of two moves of one push neither is made when one cannot be
 * - `history`: nobody with these credentials can take back what status and audit say
 * - `watched`: nobody with these credentials can push to the watched branch
 * - `tidy`: the branches of the probe are gone
 */
export type ExamineCheck =
  | "reachable"
  | "write"
  | "lease"
  | "atomic"
  | "history"
  | "watched"
  | "tidy";

export interface Finding {
  readonly check: ExamineCheck;
  /** `warning`: it works, but a person should know. `unknown`: it could not be tried. */
  readonly verdict: "ok" | "warning" | "failed" | "unknown";
  /** What was seen, and what it does not prove. */
  readonly message: string;
  readonly remedy: string | null;
}

export interface ExamineRequest {
  readonly repository: Repository;
  readonly branch: string;
  /** The folder of a copy; it may be the runner's. */
  readonly cache: string;
  /** 8 hexadecimal digits that no other probe has; default random. */
  readonly nonce?: string;
}

/** Tries the remote out, one finding per check; what cannot be tried is `unknown` and says why. */
export const examineRepository = (
  request: ExamineRequest,
): Effect.Effect<ReadonlyArray<Finding>, never, Git> =>
  Effect.gen(function* () {
    const probe = yield* prepare(request).pipe(Effect.result);
    if (probe._tag === "Failure") {
      return [failing("reachable", probe.failure), ...untried("the remote could not be read")];
    }
    const reachable = found("reachable", `it answers, and ${named(request.branch)} is there`);
    const findings = yield* Effect.onInterrupt(tryOut(probe.success), () => tidyUp(probe.success));
    const tidy = yield* tidyUp(probe.success);
    return [reachable, ...findings, tidy];
  });

const found = (check: ExamineCheck, message: string): Finding => ({
  check,
  verdict: "ok",
  message,
  remedy: null,
});

const failing = (check: ExamineCheck, error: GitError): Finding => ({
  check,
  verdict: "failed",
  message: error.message,
  remedy: error.remedy ?? null,
});

const unknown = (check: ExamineCheck, why: string): Finding => ({
  check,
  verdict: "unknown",
  message: `not tried: ${why}`,
  remedy: null,
});

const untried = (why: string): ReadonlyArray<Finding> =>
  (["write", "lease", "atomic", "history", "watched"] as const).map((check) => unknown(check, why));

const named = (branch: string): string => quoteOutside(branch);

interface Probe {
  readonly request: ExamineRequest;
  /** The watched branch. */
  readonly watched: string;
  readonly head: string;
  readonly status: string;
  readonly lease: string;
  readonly audit: string;
  /** Below `status`, so that no server can hold both. */
  readonly clash: string;
  /** A commit without parent, its child, another without parent, and one on top of the head. */
  readonly root: string;
  readonly child: string;
  readonly other: string;
  readonly onHead: string;
}

const prepare = (request: ExamineRequest): Effect.Effect<Probe, GitError, Git> =>
  Effect.gen(function* () {
    const { cache } = request;
    const nonce = request.nonce ?? crypto.randomUUID().slice(0, 8);
    if (!/^[0-9a-f]{8}$/.test(nonce)) {
      return yield* Effect.fail(invalid("examine", "not 8 hexadecimal digits", "leave it out"));
    }
    const environment = `doctor-${nonce}`;
    yield* openCache(cache);
    const { head } = yield* fetchBranch({ ...request, environment });
    const build = (name: string, parents: ReadonlyArray<string>) =>
      commitTree({
        ...{ cache, parents, files: new Map([["probe.txt", `${name} ${nonce}\n`]]) },
        subject: `muster: probe ${nonce}, to be deleted`,
      });
    const root = yield* build("root", []);
    return {
      request,
      watched: `refs/heads/${request.branch}`,
      head,
      status: remoteRef("status", environment),
      lease: remoteRef("lease", environment),
      audit: remoteRef("audit", environment),
      clash: `${remoteRef("status", environment)}/clash`,
      root,
      child: yield* build("child", [root]),
      other: yield* build("other", []),
      // The same files: even a server that lies about atomic pushes would not change the source.
      onHead: yield* commitTree({
        ...{ cache, parents: [head], files: new Map(), onto: "parent" as const },
        subject: `muster: probe ${nonce}, refused by a protected branch`,
      }),
    };
  });

const tryOut = (probe: Probe): Effect.Effect<ReadonlyArray<Finding>, never, Git> =>
  Effect.gen(function* () {
    const written = yield* Effect.result(tryWrite(probe));
    if (written._tag === "Failure" && written.failure.reason === "NoAtomicPush") {
      const others = untried("the remote has no atomic pushes");
      return others.map((one) =>
        one.check === "atomic" ? failing("atomic", written.failure) : one,
      );
    }
    const write = written._tag === "Success" ? written.success : failing("write", written.failure);
    if (write.verdict !== "ok") return [write, ...untried("nothing can be written").slice(1)];
    const lease = yield* finding("lease", tryLease(probe));
    const atomic = yield* finding("atomic", tryAtomic(probe));
    const history = yield* finding("history", tryHistory(probe));
    const watched =
      atomic.verdict === "ok"
        ? yield* finding("watched", tryWatched(probe))
        : unknown("watched", "only a remote with atomic pushes can be asked without a trace");
    return [write, lease, atomic, history, watched];
  });

const finding = (
  check: ExamineCheck,
  tried: Effect.Effect<Finding, GitError, Git>,
): Effect.Effect<Finding, never, Git> =>
  Effect.catch(tried, (error) => Effect.succeed(failing(check, error)));

interface Step {
  readonly ref: string;
  /** `zeroId` where there is none. */
  readonly from: string;
  readonly to: string;
}

/** What the remote said to each move; "" when it made it. */
type Answers = ReadonlyMap<string, string>;

/** One atomic push of exactly these moves. */
const attempt = (
  { request }: Probe,
  steps: ReadonlyArray<Step>,
): Effect.Effect<Answers, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "push",
      folder: request.cache,
      reach: request.repository.scheme,
      arguments: [
        ...["push", "--atomic", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags"],
        "--recurse-submodules=no",
        ...steps.map(({ ref, from }) => `--force-with-lease=${ref}:${from === zeroId ? "" : from}`),
        ...["--", request.repository.url],
        ...steps.map(({ ref, to }) => `${to === zeroId ? "" : to}:${ref}`),
      ],
      accept: [1],
    });
    return answersOf(answer.output.toString("utf8"));
  });

/** The flag column and the reason in brackets of `push --porcelain`. Pure. */
export const answersOf = (output: string): Answers => {
  const answers = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [, flag, ref, said = ""] = /^([ +\-*!=])\t[^\t]*:([^\t:]+)\t(.*)$/.exec(line) ?? [];
    if (ref === undefined) continue;
    answers.set(ref, flag === "!" ? quoteOutside(said) || "refused" : "");
  }
  return answers;
};

const refusals = (answers: Answers): ReadonlyArray<string> =>
  [...answers].flatMap(([ref, said]) => (said === "" ? [] : [`${short(ref)}: ${said}`]));

const short = (ref: string): string => ref.replace(/^refs\/heads\//, "");

const tryWrite = (probe: Probe): Effect.Effect<Finding, GitError, Git> =>
  Effect.map(
    attempt(
      probe,
      [probe.status, probe.lease, probe.audit].map((ref) => ({
        ref,
        from: zeroId,
        to: probe.root,
      })),
    ),
    (answers) => {
      const refused = refusals(answers);
      if (refused.length === 0 && answers.size === 3) {
        return found(
          "write",
          `${short(probe.status)}, ${short(probe.lease)} and ${short(probe.audit)} could be created; a rule for the branches of one environment alone is not seen so`,
        );
      }
      return {
        check: "write",
        verdict: "failed",
        message: `the remote refused: ${refused.join("; ") || "it named no reason"}`,
        remedy: "let these credentials create and push muster/* (branch protection, hooks, scopes)",
      };
    },
  );

const tryLease = (probe: Probe): Effect.Effect<Finding, GitError, Git> =>
  Effect.map(
    attempt(probe, [{ ref: probe.lease, from: probe.root, to: probe.other }]),
    (answers): Finding => {
      const refused = refusals(answers);
      return refused.length === 0
        ? found("lease", "a lease may replace the one before")
        : {
            check: "lease",
            verdict: "failed",
            message: `the remote refuses moves that are no fast-forward: ${refused.join("; ")}`,
            remedy:
              "allow force pushes to muster/lease/* (a rule per branch instead of receive.denyNonFastForwards): no lease could be renewed",
          };
    },
  );

/** The second move cannot be made beside the branch whose name it continues. */
const impossible = (probe: Probe): Step => ({ ref: probe.clash, from: zeroId, to: probe.root });

const tryAtomic = (probe: Probe): Effect.Effect<Finding, GitError, Git> =>
  Effect.gen(function* () {
    yield* attempt(probe, [
      { ref: probe.audit, from: probe.root, to: probe.child },
      impossible(probe),
    ]);
    const now = yield* standing(probe, [probe.audit, probe.clash]);
    if (now.has(probe.clash)) {
      return unknown(
        "atomic",
        "the remote keeps a branch and one below its name, so no move fails",
      );
    }
    return now.get(probe.audit) === probe.root
      ? found("atomic", "of two moves in one push, one of them impossible, neither was made")
      : {
          check: "atomic",
          verdict: "failed",
          message: "of two moves in one atomic push, the remote made one",
          remedy: "use a git server with atomic pushes: status and audit could part from the lease",
        };
  });

const tryHistory = (probe: Probe): Effect.Effect<Finding, GitError, Git> =>
  Effect.gen(function* () {
    const { root, child } = probe;
    const open: Array<string> = [];
    for (const ref of [probe.status, probe.audit]) {
      yield* attempt(probe, [{ ref, from: root, to: child }]);
      if ((yield* standing(probe, [ref])).get(ref) !== child) {
        return unknown("history", `${short(ref)} could not be moved forward`);
      }
      const back = yield* attempt(probe, [{ ref, from: child, to: root }]);
      if (refusals(back).length === 0) open.push(short(ref).replace(/doctor-.*/, "*"));
    }
    return open.length === 0
      ? found("history", "status and audit cannot be rewound with these credentials")
      : {
          check: "history",
          verdict: "warning",
          message: `whoever has these credentials can rewind ${open.join(" and ")}`,
          remedy: `refuse force pushes and deletions of ${open.join(" and ")} on the server, not those of muster/lease/*`,
        };
  });

const protects =
  /hook declined|protect|not (?:allowed|permitted|authorized)|denied|prohibit|polic|rule/i;
const byTheOther = /atomic|transaction|failed to update|lock/i;

const tryWatched = (probe: Probe): Effect.Effect<Finding, GitError, Git> =>
  Effect.gen(function* () {
    const { watched, head, request } = probe;
    const answers = yield* attempt(probe, [
      { ref: watched, from: head, to: probe.onHead },
      impossible(probe),
    ]);
    const said = answers.get(watched) ?? "";
    const now = yield* standing(probe, [watched]);
    if (now.get(watched) === probe.onHead) return moved(request.branch);
    if (protects.test(said)) {
      return found(
        "watched",
        `${named(request.branch)} refuses a push with these credentials: ${said}`,
      );
    }
    return byTheOther.test(said)
      ? {
          check: "watched",
          verdict: "warning",
          message: `whoever has these credentials can push to ${named(request.branch)}, which muster never does`,
          remedy: `protect ${named(request.branch)} from them on the server: muster only needs to read it`,
        }
      : unknown("watched", `the remote's answer says neither: ${said || "nothing"}`);
  });

const moved = (branch: string): Finding => ({
  check: "watched",
  verdict: "failed",
  message: `the remote made half of an atomic push: ${named(branch)} has a commit of the probe on top, with the same files`,
  remedy: "take that commit away, and use a git server with atomic pushes",
});

const standing = ({ request }: Probe, refs: ReadonlyArray<string>) =>
  lsRemote({ ...request, refs });

/** Deletes what the probe made: together, else one by one, so that one refusal keeps only its own. */
const tidyUp = (probe: Probe): Effect.Effect<Finding, never, Git> => {
  const refs = [probe.clash, probe.status, probe.lease, probe.audit];
  return Effect.gen(function* () {
    const made = yield* standing(probe, refs);
    const steps = [...made].map(([ref, from]) => ({ ref, from, to: zeroId }));
    if (steps.length > 0) yield* Effect.ignore(attempt(probe, steps));
    const left = steps.length === 0 ? made : yield* standing(probe, refs);
    for (const [ref, from] of left) {
      yield* Effect.ignore(attempt(probe, [{ ref, from, to: zeroId }]));
    }
    const stuck = left.size === 0 ? left : yield* standing(probe, refs);
    return stuck.size === 0
      ? found("tidy", "the branches of the probe are gone")
      : litter([...stuck.keys()]);
  }).pipe(Effect.catch(() => Effect.succeed(litter(refs))));
};

const litter = (refs: ReadonlyArray<string>): Finding => ({
  check: "tidy",
  verdict: "warning",
  message: `the remote kept branches of the probe: ${refs.map(short).join(", ")}`,
  remedy: "delete them; no runner reads them",
});
