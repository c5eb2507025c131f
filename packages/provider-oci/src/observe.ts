// Looks at many documents by one list per account and compartment; each is seen whole or not.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type {
  MemberSighting,
  Observation,
  ObserveRequest,
  ProviderError,
} from "@muster/core/words/provider";
import type { Expansion } from "@muster/core/words/set";
import type { OciInstance } from "./api.ts";
import type { Connection, Connections } from "./connections.ts";
import { withHealth } from "./health.ts";
import { preflight } from "./preflight.ts";
import { readScope, type ScopePlacement } from "./scope.ts";
import { belongsTo, compareSightings, fleetOf, sightingOf } from "./sighting.ts";

/** Lists that are read at a time, and documents that are looked at per list. */
const concurrency = { lists: 8, documents: 4, instances: 8 } as const;

/** A request that knows where to look. */
interface Placed {
  readonly index: number;
  readonly request: ObserveRequest;
  readonly connection: Connection;
  readonly compartmentId: string;
  readonly placement: ScopePlacement;
}

type Indexed = readonly [index: number, observation: Observation];

/** One observation per request, in their order. Never fails: blindness is an answer. */
export const observe = (
  connections: Connections,
  requests: ReadonlyArray<ObserveRequest>,
): Effect.Effect<ReadonlyArray<Observation>> =>
  Effect.gen(function* () {
    const blind: Array<Indexed> = [];
    const placed: Array<Placed> = [];
    for (const [index, request] of requests.entries()) {
      const place = yield* Effect.result(placeRequest(connections, request, index));
      if (Result.isSuccess(place)) placed.push(place.success);
      else blind.push([index, blindness(request, place.failure)]);
    }
    const seen = yield* Effect.forEach(groupByList(placed), observeList, {
      concurrency: concurrency.lists,
    });
    return [...blind, ...seen.flat()]
      .sort(([a], [b]) => a - b)
      .map(([, observation]) => observation);
  });

const placeRequest = (
  connections: Connections,
  request: ObserveRequest,
  index: number,
): Effect.Effect<Placed, ProviderError> =>
  Effect.gen(function* () {
    const scope = yield* readScope(request.expansion);
    const connection = yield* connections.connect(scope.auth);
    const { compartmentId, placement = {} } = scope;
    return { index, request, connection, compartmentId, placement };
  });

const groupByList = (placed: ReadonlyArray<Placed>): ReadonlyArray<ReadonlyArray<Placed>> => {
  const byConnection = Map.groupBy(placed, (one) => one.connection);
  return [...byConnection.values()].flatMap((group) => [
    ...Map.groupBy(group, (one) => one.compartmentId).values(),
  ]);
};

const observeList = (group: ReadonlyArray<Placed>): Effect.Effect<ReadonlyArray<Indexed>> =>
  Effect.gen(function* () {
    const first = group[0];
    if (first === undefined) return [];
    const list = yield* Effect.result(first.connection.instances(first.compartmentId));
    if (Result.isFailure(list)) {
      return group.map(({ index, request }): Indexed => [index, blindness(request, list.failure)]);
    }
    const catalog = catalogOf(group, list.success);
    return yield* Effect.forEach(
      group,
      (one) =>
        Effect.map(observeDocument(one, catalog), (observation): Indexed => [
          one.index,
          observation,
        ]),
      { concurrency: concurrency.documents },
    );
  });

/** A list put in order once, so that a document's look at it costs what the document has. */
interface Catalog {
  readonly byFleet: ReadonlyMap<string | null, ReadonlyArray<OciInstance>>;
  /** Empty where no document knows a member: then nobody asks. */
  readonly ids: ReadonlySet<string>;
}

const catalogOf = (group: ReadonlyArray<Placed>, list: ReadonlyArray<OciInstance>): Catalog => ({
  byFleet: Map.groupBy(list, fleetOf),
  ids: group.some(({ request }) => request.known.length > 0)
    ? new Set(list.map((instance) => instance.id))
    : new Set(),
});

const observeDocument = (
  { request, connection, compartmentId, placement }: Placed,
  catalog: Catalog,
): Effect.Effect<Observation> =>
  Effect.gen(function* () {
    const { expansion } = request;
    const unlisted = yield* readUnlisted(connection, request.known, catalog.ids);
    const documents = documentNames(expansion);
    const sighted: ReadonlyArray<MemberSighting> = [
      ...documents.flatMap((name) => catalog.byFleet.get(name) ?? []),
      ...unlisted.filter((instance) => belongsTo(instance, documents)),
    ]
      .map(sightingOf)
      .sort(compareSightings);
    const members = yield* withHealth(connection.facts, {
      expansion,
      compartmentId,
      members: sighted,
    });
    const found = yield* preflight(connection.facts, {
      expansion,
      compartmentId,
      placement,
      members,
      replacing: request.replacing === true,
    });
    return { document: expansion.document, complete: true, members, ...found } as const;
  }).pipe(Effect.catch((error) => Effect.succeed(blindness(request, error))));

/** Known members that the list, which may lag, does not show. What is not found is left out. */
const readUnlisted = (
  connection: Connection,
  known: ReadonlyArray<string>,
  listed: ReadonlySet<string>,
): Effect.Effect<ReadonlyArray<OciInstance>, ProviderError> => {
  const unlisted = [...new Set(known)].filter((id) => !listed.has(id));
  return Effect.map(
    Effect.forEach(unlisted, connection.api.getInstance, { concurrency: concurrency.instances }),
    (found) => found.filter((instance) => instance !== null),
  );
};

/** The fleet tags that a document's members may carry. */
const documentNames = ({ document, previousName }: Expansion): ReadonlyArray<string> =>
  previousName === undefined || previousName === document.name
    ? [document.name]
    : [document.name, previousName];

const blindness = (request: ObserveRequest, error: ProviderError): Observation => ({
  document: request.expansion.document,
  complete: false,
  error,
});
