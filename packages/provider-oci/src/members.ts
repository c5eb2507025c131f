// Reads all instances of a compartment, whole or not at all.

import * as Effect from "effect/Effect";
import { ProviderError } from "@muster/core/words/provider";
import type { OciApi, OciInstance } from "./api.ts";

/** More pages than this are taken for a cursor that leads nowhere. */
const maxPages = 1_000;

/**
 * All instances of a compartment, dead ones included. Any page that fails fails the whole, and so
 * does a cursor that comes twice: a half-read list is no list.
 */
export const listInstances = (
  api: OciApi,
  compartmentId: string,
): Effect.Effect<ReadonlyArray<OciInstance>, ProviderError> =>
  Effect.gen(function* () {
    const found = new Map<string, OciInstance>();
    const cursors = new Set<string>();
    let page: string | null = null;
    do {
      const answer: { readonly items: ReadonlyArray<OciInstance>; readonly next: string | null } =
        yield* api.listInstances({ compartmentId, page });
      // An instance may move to a later page while we read: what was read last is newest.
      for (const instance of answer.items) found.set(instance.id, instance);
      page = answer.next;
      if (page === null) break;
      if (cursors.has(page)) return yield* endless("the same page was named twice");
      if (cursors.size >= maxPages) return yield* endless(`there are more than ${maxPages} pages`);
      cursors.add(page);
    } while (page !== null);
    return [...found.values()];
  });

const endless = (message: string): ProviderError =>
  new ProviderError({
    reason: "Unreachable",
    operation: "ListInstances",
    message: `the list of instances does not end: ${message}`,
    remedy: "try again; if it stays so, report it to the provider",
  });
