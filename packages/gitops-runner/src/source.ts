// Brings in what the watched branch asks: fetched, verified and read, each head once.

import * as Effect from "effect/Effect";
import { isDocumentFile, type SourceText } from "@muster/core/read/read";
import type { Write } from "@muster/core/apply/writer";
import { Store, type StoreError } from "@muster/core/store/store";
import type { Diagnostic } from "@muster/core/words/diagnostic";
import type { Refusal } from "@muster/core/words/plan";
import { recordKey } from "@muster/core/words/record";
import { readBlobs, type SkippedEntry, type SourceEmptied, type SourceFiles } from "./blobs.ts";
import { openCache } from "./cache.ts";
import type { GitError } from "./error.ts";
import { fetchBranch, type Sighting } from "./fetch.ts";
import type { Git } from "./git.ts";
import { type Published, readPublished } from "./published.ts";
import type { Repository } from "./url.ts";
import { type Signers, type Verification, type VerifyRequest, verifySource } from "./verify.ts";

export interface SourceOptions {
  readonly repository: Repository;
  readonly branch: string;
  /** Folder within the repository; the whole tree when `.`. */
  readonly path: string;
  readonly environment: string;
  readonly owner: string;
  /** Folder of the local copy; holds nothing of its own. */
  readonly cache: string;
  readonly signers: Signers | null;
}

/** What one look at the repository brought. */
export interface Source {
  /** Where all branches stand, of one listing. */
  readonly sighting: Sighting;
  readonly verification: Verification;
  /** That this head is acted on, when the store does not know it. */
  readonly news: Write | null;
  readonly texts: ReadonlyArray<SourceText>;
  /** Files that cannot be documents, and make the whole reading incomplete. */
  readonly faults: ReadonlyArray<Diagnostic>;
  /** What the last status commit says of the run that wrote it. */
  readonly published: Published | null;
}

export interface SourceReader {
  readonly read: Effect.Effect<Source, GitError | StoreError, Git | Store>;
  /** The next read verifies and reads anew, whatever was read before. */
  readonly forget: () => void;
}

/** A reader that does for an unchanged head nothing but look where the branches stand. */
export const makeSourceReader = (options: SourceOptions): SourceReader => {
  let opened = false;
  const verified = keptFor((question: Omit<VerifyRequest, "cache" | "signers" | "origin">) =>
    verifySource({ ...question, cache: options.cache, signers: options.signers, origin: options }),
  );
  const texts = keptFor((head: { readonly head: string; readonly known: boolean }) =>
    readTexts(options, head.head, head.known),
  );
  const published = keptFor((commit: { readonly commit: string }) =>
    readPublished({ ...commit, cache: options.cache }),
  );

  const read = Effect.fnUntraced(function* () {
    if (!opened) yield* openCache(options.cache);
    opened = true;
    const sighting = yield* fetchBranch(options).pipe(
      Effect.tapError(({ reason }) =>
        Effect.sync(() => {
          // The copy may be what is broken, or gone: the next read makes it anew where it must.
          if (reason === "Corrupt" || reason === "NotFound") opened = false;
        }),
      ),
    );
    const { head, status } = sighting;
    const { acted, accepted } = yield* remembered(options, head);
    const verification = yield* verified.of({
      head,
      // Who accepted this very head begins anew with it; its own signature is still checked.
      lastActed: accepted ? null : acted,
    });
    const documents = yield* texts.of({ head, known: acted !== null });
    return {
      sighting,
      verification:
        documents.emptied === null ? verification : toldEmptied(verification, documents.emptied),
      news: isHeld(verification) || acted === head ? null : headNews(options, head),
      texts: documents.texts,
      faults: documents.faults,
      published: status === null ? null : yield* published.of({ commit: status }),
    };
  });
  return {
    read: read(),
    forget: () => {
      for (const kept of [verified, texts, published]) kept.forget();
    },
  };
};

/** The answer to the last question, as long as the question stays the same. */
const keptFor = <Question extends object, A, E, R>(
  ask: (question: Question) => Effect.Effect<A, E, R>,
) => {
  let kept: { readonly question: string; readonly answer: A } | null = null;
  return {
    of: (question: Question): Effect.Effect<A, E, R> => {
      const key = JSON.stringify(question);
      return kept?.question === key
        ? Effect.succeed(kept.answer)
        : Effect.tap(ask(question), (answer) =>
            Effect.sync(() => {
              kept = { question: key, answer };
            }),
          );
    },
    forget: () => {
      kept = null;
    },
  };
};

const remembered = Effect.fnUntraced(function* (
  { owner, branch }: SourceOptions,
  head: string,
): Effect.fn.Return<
  { readonly acted: string | null; readonly accepted: boolean },
  StoreError,
  Store
> {
  const store = yield* Store;
  const acted = yield* store.record(owner, headKey(branch));
  const accepted = yield* store.record(owner, approvalKey(head));
  return { acted: acted?._tag === "Head" ? acted.commit : null, accepted: accepted !== null };
});

/** Rewritten or not vouched for: it may be planned, and nothing more. */
const isHeld = (verification: Verification): boolean =>
  verification.rewritten || verification.status === "False";

export const holdOf = (verification: Verification): Refusal | null =>
  isHeld(verification)
    ? {
        reason: { code: verification.reason, text: verification.message },
        remedy: verification.remedy ?? "have the head signed by someone who is allowed to",
      }
    : null;

const readTexts = Effect.fnUntraced(function* (
  options: SourceOptions,
  commit: string,
  /** Whether it was acted on before: then there was something, and a path that is gone was emptied. */
  known: boolean,
): Effect.fn.Return<
  Pick<Source, "texts" | "faults"> & Pick<SourceFiles, "emptied">,
  GitError,
  Git
> {
  const { cache, path } = options;
  const { files, skipped, emptied } = yield* readBlobs({
    missing: known ? "emptied" : "fault",
    cache,
    commit,
    path,
    isDocument: isDocumentFile,
    origin: options,
  });
  return {
    texts: files.map((file) => ({ file: file.path, text: file.text })),
    faults: skipped.map(skippedFault),
    emptied: known ? emptied : null,
  };
});

/** That nothing is asked for any more must not pass in silence: everything is forgotten by it. */
const toldEmptied = (verification: Verification, emptied: SourceEmptied): Verification => ({
  ...verification,
  reason: emptied.reason,
  message: `${emptied.message}; ${emptied.remedy} (${verification.message})`,
});

/** A document that cannot be read is a fault: passing over it would make it vanish. */
const skippedFault = (entry: SkippedEntry): Diagnostic => ({
  file: entry.path,
  line: 1,
  column: 1,
  severity: "error",
  summary: entry.message,
  hint: "documents are plain files of UTF-8 text; move it away or replace it by one",
});

const headKey = (branch: string): string => recordKey({ _tag: "Head", branch, commit: "" });
const approvalKey = (digest: string): string =>
  recordKey({ _tag: "Approval", digest, by: "", reason: "", at: "" });

/**
 * The head is remembered before anything is done in its name: a rewritten history must show even
 * when the run that acted on it could not say so in git. Consent to a head is used up by that.
 */
const headNews = ({ branch }: SourceOptions, commit: string): Write => ({
  puts: [{ _tag: "Head", branch, commit }],
  deletes: [approvalKey(commit)],
});
