// Looks at what muster stands on: each part answers findings, and none of them ever fails.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import * as Result from "effect/Result";
import {
  type AuditEntry,
  type Expansion,
  failedFinding,
  type Finding,
  hasErrors,
  okFinding,
  type Plugin,
  readDocuments,
  unknownFinding,
  verifyChain,
  warningFinding,
} from "@muster/core";
import {
  examineGitClock,
  examineRepository,
  type Finding as GitFinding,
  Git,
  lookAtLease,
  type Repository,
} from "@muster/gitops-runner";
import {
  absentId,
  examinePostgresStore,
  examineSqliteStore,
  type StorePlace,
} from "@muster/store-sql";
import { type Local, openLocal } from "./context.ts";
import { endingOf } from "./exit.ts";
import { forEachEntry } from "./kept.ts";
import { Wiring } from "./wiring.ts";

/** What anything that went wrong is as a finding. */
export const findingOf = (check: string, error: unknown): Finding => {
  const { code, message, remedy } = endingOf(error);
  const origin = code === 1 ? "input" : code === 5 ? "guard" : "infrastructure";
  return failedFinding(check, origin, message ?? "it failed without a word", remedy ?? null);
};

/** The major version of Node that all of muster is made for. */
const oldestNode = 24;

export const examineNode = (version: string): Finding =>
  Number(/^v(\d+)\./u.exec(version)?.[1] ?? 0) >= oldestNode
    ? okFinding("node", version)
    : failedFinding(
        "node",
        "infrastructure",
        `this is Node ${version}`,
        `run muster with Node ${oldestNode} or newer`,
      );

export interface StoreLook {
  readonly findings: ReadonlyArray<Finding>;
  /** What the fleets that the store knows ask for. */
  readonly expansions: ReadonlyArray<Expansion>;
}

/** The file or the server first, then what it says: its records and its audit. */
export const examineStore = Effect.fnUntraced(function* (
  place: StorePlace,
  owner: string,
): Effect.fn.Return<StoreLook> {
  if (place._tag === "Memory") {
    const message = "memory: keeps nothing: every command begins with an empty store";
    const remedy = "name a file with --store sqlite:PATH to keep what was done";
    return { findings: [warningFinding("store", message, remedy)], expansions: [] };
  }
  const ground =
    place._tag === "Postgres"
      ? yield* examinePostgresStore({ place })
      : yield* examineSqliteStore({ path: place.path });
  if (ground.some(({ verdict }) => verdict === "failed")) {
    return { findings: [...ground, notVerified], expansions: [] };
  }
  const content = yield* Effect.result(examineContent(place, owner));
  return Result.isSuccess(content)
    ? { ...content.success, findings: [...ground, ...content.success.findings] }
    : { findings: [...ground, findingOf("store content", content.failure)], expansions: [] };
});

const notVerified = unknownFinding(
  "audit",
  "the store cannot be read, so its chain was not verified",
);

const examineContent = (place: StorePlace, owner: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const wiring = yield* Wiring;
      const store = yield* wiring.openStore(place, "read");
      if (store.id === absentId) return { findings: [], expansions: [] };
      const entries: Array<AuditEntry> = [];
      yield* forEachEntry(store, (entry) => void entries.push(entry));
      const fault = verifyChain(entries);
      const records = yield* store.load(owner);
      return {
        findings: [
          fault === undefined
            ? okFinding("audit", `the chain is whole: ${entries.length} entries`)
            : failedFinding(
                "audit",
                "guard",
                `the chain is broken at entry ${fault.seq}: ${fault.text}`,
                "find out who could write to the store; keep a copy, and restore the last backup that muster audit verify calls intact",
              ),
        ],
        expansions: records.flatMap((record) =>
          record._tag === "Document" ? [record.expansion] : [],
        ),
      };
    }),
  );

/** A folder of its own: the runner's copy must only ever move with the runner. */
const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(path.join(tmpdir(), "muster-doctor-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true, maxRetries: 3 })),
);

export interface Remote {
  readonly repository: Repository;
  readonly branch: string;
  readonly environment: string;
}

/** The binary, and with a repository what its remote lets us do, its lease and its host's clock. */
export const examineGit = Effect.fnUntraced(function* (
  remote: Remote | null,
  env: Readonly<Record<string, string | undefined>>,
  online: boolean,
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const wiring = yield* Wiring;
  const looked = Effect.scoped(
    Effect.gen(function* () {
      const cache = yield* temporaryFolder;
      const binary = yield* examineBinary(cache, remote !== null);
      if (remote === null || binary.verdict === "failed") return [binary];
      if (!online) {
        return [binary, unknownFinding("git remote", "nothing was asked, as --offline says")];
      }
      const tried = yield* examineRepository({ ...remote, cache });
      const lease = yield* Effect.result(lookAtLease({ ...remote, cache }));
      return [
        binary,
        ...tried.map(gitFinding),
        Result.isSuccess(lease)
          ? leaseFinding(lease.success)
          : unknownFinding("lease", `it cannot be read: ${lease.failure.message}`),
        yield* examineGitClock(remote.repository),
      ];
    }),
  );
  return yield* looked.pipe(
    Effect.provide(wiring.git(env)),
    Effect.catch((error) => Effect.succeed([findingOf("git", error)])),
  );
});

/** What the server must be set up for is the operator's to correct; the rest is the server's. */
const gitFinding = ({ check, ...found }: GitFinding): Finding => ({
  ...found,
  check: `git ${check}`,
  origin:
    found.verdict !== "failed"
      ? null
      : check === "write" || check === "lease"
        ? "input"
        : "infrastructure",
});

const examineBinary = Effect.fnUntraced(function* (
  folder: string,
  isNeeded: boolean,
): Effect.fn.Return<Finding, never, Git> {
  const git = yield* Git;
  const asked = { operation: "version", folder, arguments: ["--version"] };
  const answer = yield* Effect.result(git.run(asked));
  if (Result.isSuccess(answer)) {
    return okFinding("git", answer.success.output.toString("utf8").trim().slice(0, 200));
  }
  const finding = findingOf("git", answer.failure);
  return isNeeded
    ? finding
    : warningFinding(
        finding.check,
        `${finding.message}; muster run needs it`,
        finding.remedy ?? "install git",
      );
});

const leaseFinding = (look: Effect.Success<ReturnType<typeof lookAtLease>>): Finding => {
  const check = "lease";
  if (look.state === "unreadable") {
    return failedFinding(
      check,
      "guard",
      `${look.branch} holds no lease that muster wrote: ${look.fault}`,
      "see who pushes there, stop every runner of this environment, then: muster lease steal --reason TEXT --repo URL --env NAME",
    );
  }
  return okFinding(
    check,
    look.state === "held"
      ? `${look.branch} is held by ${look.holder} until ${new Date(look.until).toISOString()}`
      : `${look.branch} is free`,
  );
};

export interface DocumentsLook {
  readonly findings: ReadonlyArray<Finding>;
  readonly expansions: ReadonlyArray<Expansion>;
  readonly plugins: ReadonlyArray<Plugin>;
}

/** What local documents ask for; faulty ones ask for nothing that could be looked at. */
export const examineDocuments = Effect.fnUntraced(function* (flags: {
  readonly file: string;
  readonly store: Option.Option<string>;
  readonly owner: Option.Option<string>;
  readonly config: Option.Option<string>;
}): Effect.fn.Return<DocumentsLook> {
  const check = "documents";
  const local = yield* Effect.result(openLocal({ ...flags, paths: [flags.file] }, "read"));
  if (Result.isFailure(local)) {
    const { message = "", remedy = null } = endingOf(local.failure);
    return { findings: [unknownFinding(check, message, remedy)], expansions: [], plugins: [] };
  }
  return documentsOf(check, local.success);
});

const documentsOf = (check: string, local: Local): DocumentsLook => {
  const { plugins } = local;
  const kinds = plugins.flatMap((plugin) => plugin.kinds);
  const { documents, diagnostics } = readDocuments(kinds, local.sources);
  if (hasErrors([...local.fileFaults, ...diagnostics])) {
    const finding = failedFinding(
      check,
      "input",
      "the documents have faults",
      "muster validate tells them",
    );
    return { findings: [finding], expansions: [], plugins };
  }
  const expansions = documents.flatMap((document) => {
    const kind = kinds.find(({ name }) => name === document.kind);
    return kind === undefined ? [] : [kind.expand(document)];
  });
  return { findings: [okFinding(check, `${documents.length} can be read`)], expansions, plugins };
};

/** What each plugin says of its own: credentials, endpoints, clocks. */
export const examinePlugins = Effect.fnUntraced(function* (
  plugins: ReadonlyArray<Plugin>,
  expansions: ReadonlyArray<Expansion>,
  online: boolean,
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const found = yield* Effect.forEach(plugins, (plugin) =>
    plugin.examine === undefined
      ? Effect.succeed([unknownFinding(`plugin ${plugin.name}`, "it brings no checks of its own")])
      : plugin.examine({
          online,
          expansions: expansions.filter(({ resource }) => plugin.resources.includes(resource)),
        }),
  );
  return found.flat();
});
