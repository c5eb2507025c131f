// Asks the providers what is there, for all documents at once. Never writes; a blind spot is data.

import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import { numbered, type Pace, waitAfter, within } from "../apply/retry.ts";
import { attributes, metrics, spans } from "../report/telemetry.ts";
import { count, traced, type Fault } from "../report/trace.ts";
import { formatAddress } from "../words/document.ts";
import { escapeText } from "../words/quote.ts";
import {
  type Handler,
  type Observation,
  type ObserveRequest,
  ProviderError,
} from "../words/provider.ts";
import type { StoreRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";

/** The handler of a resource kind, or why there is none. */
export type Handlers = (resource: string) => Effect.Effect<Handler, ProviderError>;

/** One observation per expansion; each handler is asked once, so that it can share its lists. */
export const observe = Effect.fn("observe")(function* (
  handlers: Handlers,
  expansions: ReadonlyArray<Expansion>,
  records: ReadonlyArray<StoreRecord>,
  pace: Pace,
) {
  const known = knownMembers(records);
  const restarted = new Set(
    records
      .filter((record) => record._tag === "Restart")
      .map(({ document }) => formatAddress(document)),
  );
  const byResource = Map.groupBy(expansions, (expansion) => expansion.resource);
  const observations = yield* Effect.forEach(
    byResource,
    ([resource, group]) =>
      observePatiently(
        resource,
        handlers(resource),
        group.map((expansion) => ({
          expansion,
          known: knownOf(known, expansion),
          ...(addressesOf(expansion).some((address) => restarted.has(address))
            ? { replacing: true }
            : {}),
        })),
        pace,
      ),
    { concurrency: 8 },
  );
  return observations.flat();
});

/** Asks again for what could not be seen, or is blocked, for a reason that passes; all else stands. */
const observePatiently = Effect.fnUntraced(function* (
  resource: string,
  handler: Effect.Effect<Handler, ProviderError>,
  requests: ReadonlyArray<ObserveRequest>,
  pace: Pace,
): Effect.fn.Return<ReadonlyArray<Observation>> {
  const seen = new Map<ObserveRequest, Observation>();
  let open = requests;
  for (let tries = 0; ; tries += 1) {
    const observations = yield* numbered(
      tracedLook(resource, open.length, observeResource(handler, open, pace.observeMillis)),
      tries,
    );
    const byDocument = new Map(
      observations.map((observation) => [formatAddress(observation.document), observation]),
    );
    for (const request of open) {
      const observation = byDocument.get(formatAddress(request.expansion.document));
      if (observation !== undefined) seen.set(request, observation);
    }
    open = open.filter((request) => passing(seen.get(request)) !== null);
    if (open.length === 0 || tries >= pace.looksAgain) return [...seen.values()];
    const troubles = open.flatMap((request) => passing(seen.get(request)) ?? []);
    const wait = waitAgain(pace, troubles, tries, yield* Random.next);
    // A server that wants to be left alone for long must not hold up everything else.
    if (wait > pace.retryMaxMillis) return [...seen.values()];
    yield* count(metrics.providerRetries, {
      [attributes.errorType]: troubles[0]?.reason ?? "Unreachable",
    });
    yield* Effect.sleep(wait);
  }
});

const tracedLook = (
  resource: string,
  documents: number,
  look: Effect.Effect<ReadonlyArray<Observation>>,
): Effect.Effect<ReadonlyArray<Observation>> =>
  look.pipe(
    traced(spans.observeResource, {
      attributes: { [attributes.resource]: resource, [attributes.documents]: documents },
      faultOf: blindSpot,
    }),
  );

/** The first document that could not be seen. */
const blindSpot = (observations: ReadonlyArray<Observation>): Fault | null => {
  const blind = observations.find(({ complete }) => !complete);
  if (blind === undefined || blind.complete) return null;
  const { reason, operation, message } = blind.error;
  return { type: reason, message: escapeText(`${operation}: ${message}`, 600) };
};

/** Why it could not be seen, or would be blocked, for a reason that passes; nothing: it stands. */
const passing = (observation: Observation | undefined): Trouble | null => {
  if (observation === undefined) return null;
  const troubles = observation.complete ? observation.blockers : [observation.error];
  return troubles.find(({ reason }) => reason === "Unreachable" || reason === "Throttled") ?? null;
};

type Trouble = Pick<ProviderError, "reason" | "retryAfterMillis">;

const waitAgain = (
  pace: Pace,
  troubles: ReadonlyArray<Trouble>,
  tries: number,
  dice: number,
): number => Math.max(0, ...troubles.map((trouble) => waitAfter(pace, trouble, tries, dice)));

const observeResource = (
  handler: Effect.Effect<Handler, ProviderError>,
  requests: ReadonlyArray<ObserveRequest>,
  observeMillis: number,
): Effect.Effect<ReadonlyArray<Observation>> =>
  within(
    observeMillis,
    Effect.flatMap(handler, (ready) => ready.observe(requests)),
  ).pipe(
    // A fault in one handler makes its own documents blind, and no others.
    Effect.catchDefect((defect) =>
      Effect.fail(
        new ProviderError({
          reason: "Invalid",
          operation: "observe",
          message: `internal error: ${String(defect)}`,
          remedy: "this is a fault in the plugin: please report it",
        }),
      ),
    ),
    Effect.catch((error) =>
      Effect.succeed(
        requests.map(({ expansion }): Observation => ({
          document: expansion.document,
          complete: false,
          error,
        })),
      ),
    ),
  );

/** Members that the store knows to exist, or may: a lagging list is no proof of absence. */
const knownMembers = (
  records: ReadonlyArray<StoreRecord>,
): ReadonlyMap<string, ReadonlySet<string>> => {
  const known = new Map<string, Set<string>>();
  const note = (address: string, id: string | null) => {
    if (id === null) return;
    const ids = known.get(address);
    if (ids === undefined) known.set(address, new Set([id]));
    else ids.add(id);
  };
  for (const record of records) {
    if (record._tag === "Member" && record.alive) note(formatAddress(record.document), record.id);
    if (record._tag === "Intent") note(formatAddress(record.document), record.target);
  }
  return known;
};

const knownOf = (
  known: ReadonlyMap<string, ReadonlySet<string>>,
  expansion: Expansion,
): ReadonlyArray<string> =>
  addressesOf(expansion).flatMap((address) => [...(known.get(address) ?? [])]);

/** Under its former name too. */
const addressesOf = ({ document, previousName }: Expansion): ReadonlyArray<string> => [
  formatAddress(document),
  ...(previousName === undefined
    ? []
    : [formatAddress({ kind: document.kind, name: previousName })]),
];
