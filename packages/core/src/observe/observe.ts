// Asks the providers what is there, for all documents at once. Never writes; a blind spot is data.

import * as Effect from "effect/Effect";
import { formatAddress } from "../words/document.ts";
import type { Handler, Observation, ObserveRequest, ProviderError } from "../words/provider.ts";
import type { StoreRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";

/** The handler of a resource kind, or why there is none. */
export type Handlers = (resource: string) => Effect.Effect<Handler, ProviderError>;

/** One observation per expansion; each handler is asked once, so that it can share its lists. */
export const observe = Effect.fn("observe")(function* (
  handlers: Handlers,
  expansions: ReadonlyArray<Expansion>,
  records: ReadonlyArray<StoreRecord>,
) {
  const known = knownMembers(records);
  const byResource = Map.groupBy(expansions, (expansion) => expansion.resource);
  const observations = yield* Effect.forEach(
    byResource,
    ([resource, group]) =>
      observeResource(
        handlers(resource),
        group.map((expansion) => ({ expansion, known: knownOf(known, expansion) })),
      ),
    { concurrency: 8 },
  );
  return observations.flat();
});

const observeResource = (
  handler: Effect.Effect<Handler, ProviderError>,
  requests: ReadonlyArray<ObserveRequest>,
): Effect.Effect<ReadonlyArray<Observation>> =>
  handler.pipe(
    Effect.flatMap((ready) => ready.observe(requests)),
    Effect.catch((error) =>
      Effect.succeed(
        requests.map(
          ({ expansion }): Observation => ({
            document: expansion.document,
            complete: false,
            error,
          }),
        ),
      ),
    ),
  );

/** Members that the store knows to exist, or may: a lagging list is no proof of absence. */
const knownMembers = (
  records: ReadonlyArray<StoreRecord>,
): ReadonlyMap<string, ReadonlyArray<string>> => {
  const known = new Map<string, Array<string>>();
  const note = (address: string, id: string | null) => {
    if (id === null) return;
    const ids = known.get(address);
    if (ids === undefined) known.set(address, [id]);
    else if (!ids.includes(id)) ids.push(id);
  };
  for (const record of records) {
    if (record._tag === "Member" && record.alive) note(formatAddress(record.document), record.id);
    if (record._tag === "Intent") note(formatAddress(record.document), record.target);
  }
  return known;
};

const knownOf = (
  known: ReadonlyMap<string, ReadonlyArray<string>>,
  expansion: Expansion,
): ReadonlyArray<string> => {
  const { document, previousName } = expansion;
  const former =
    previousName === undefined ? [] : [formatAddress({ kind: document.kind, name: previousName })];
  return [formatAddress(document), ...former].flatMap((address) => known.get(address) ?? []);
};
