// Keeps populations in the inventory as their documents say, the way that providers keep machines.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { StoreError, StoreShape } from "../../store/store.ts";
import type { AuditDraft } from "../../words/audit.ts";
import { type DocumentAddress, formatAddress } from "../../words/document.ts";
import { formatMember } from "../../words/member.ts";
import {
  type Handler,
  type Observation,
  type ObserveRequest,
  ProviderError,
} from "../../words/provider.ts";
import {
  type Decision,
  deletePopulation,
  inventoryOwner,
  keepPopulation,
  type Roll,
  rollOf,
  takeOverPopulation,
  type Word,
} from "../roll.ts";
import { populationResource, populationSet } from "./kind.ts";
import {
  type Asking,
  blockersOf,
  idOf,
  inventoryPlace,
  isCalled,
  keeperOf,
  memberCalled,
  memberOf,
  saidBy,
  seedsOfTemplate,
} from "./record.ts";

export interface Inventory {
  readonly reader: StoreShape;
  /** Opened at the first write; from then on it is read from, too. */
  readonly writer: Effect.Effect<StoreShape, StoreError | ProviderError>;
}

/** Every write is one batch, on the ground that nothing it was decided on has changed. */
export const makePopulationHandler = (
  { reader, writer }: Inventory,
  actor: AuditDraft["actor"],
): Handler => {
  let store = reader;
  // What each document was planned on: a late write over anything else changes nothing.
  const planned = new Map<string, string | null>();
  const loaded = Effect.suspend(() => Effect.map(store.load(inventoryOwner), rollOf));

  const read = <A>(operation: string, decide: (roll: Roll) => A): Effect.Effect<A, ProviderError> =>
    Effect.mapBoth(loaded, { onSuccess: decide, onFailure: failed(operation) });

  /** Nothing is written where nothing is decided: it is so already. */
  const write = Effect.fnUntraced(function* (
    operation: string,
    { document, owner }: { readonly document: DocumentAddress; readonly owner: string },
    decide: (roll: Roll, word: Word) => Decision | ProviderError | null,
  ): Effect.fn.Return<void, ProviderError> {
    store = yield* Effect.mapError(writer, failed(operation));
    const head = yield* Effect.mapError(store.auditHead, failed(operation));
    const roll = yield* read(operation, (seen) => seen);
    const decision = decide(roll, {
      actor,
      keeper: keeperOf(document, owner),
      at: new Date(yield* Clock.currentTimeMillis).toISOString(),
      reason: null,
      document: formatAddress(document),
    });
    if (decision === null) return;
    if (decision instanceof ProviderError) return yield* decision;
    if ("refused" in decision) return yield* refused(operation, decision.refused);
    const { batch, ofAbsent } = decision.decided;
    const ground = ofAbsent ? { ...batch, auditedTo: head.seq } : batch;
    yield* Effect.mapError(store.commit(ground), failed(operation));
  });

  return {
    resource: populationResource,
    observe: (requests) =>
      loaded.pipe(
        Effect.map((roll) => {
          const asking = requests.map(askingOf);
          for (const { document } of asking) {
            planned.set(document.name, memberOf(roll, document)?.version ?? null);
          }
          return requests.map((request) => seenFor(roll, request, asking));
        }),
        Effect.catch((error) => Effect.succeed(requests.map(blind(failed("observe")(error))))),
      ),
    look: ({ document }, id) => read("look", (roll) => memberCalled(roll, document, id)),
    find: ({ document }, _set, member) =>
      read("find", (roll) => {
        const there = memberOf(roll, document);
        return there !== null && isCalled(there, member) ? [there] : [];
      }),
    create: ({ expansion: { document }, set, member, owner }) =>
      write("create", { document, owner }, (roll, word) => {
        const there = memberOf(roll, document);
        if (there !== null && there.owner === owner && isCalled(there, member)) return null;
        if ((there?.version ?? null) !== planned.get(document.name)) return moved("create");
        const mark = { owner, member: formatMember(member), createdAt: word.at };
        const population = { name: document.name, ...saidBy(set.template), mark };
        return keepPopulation(roll, population, seedsOfTemplate(set.template), word);
      }).pipe(Effect.as({ id: idOf(document.name, formatMember(member)), operation: null })),
    created: ({ document }, { id }) =>
      read("created", (roll) => ({ done: true, member: memberCalled(roll, document, id) })),
    mark: ({ document, owner, id, version, member }) =>
      write("mark", { document, owner }, (roll, word) => {
        const there = memberOf(roll, document);
        if (there === null || there.id !== id || there.version !== version) return moved("mark");
        const mark = { owner, member: formatMember(member), createdAt: word.at };
        return takeOverPopulation(roll, document.name, mark, word);
      }).pipe(
        Effect.andThen(read("mark", (roll) => memberOf(roll, document))),
        Effect.flatMap((there) =>
          there === null ? Effect.fail(moved("mark")) : Effect.succeed(there),
        ),
      ),
    remove: ({ expansion: { document }, id, version }) =>
      Effect.flatMap(
        read("remove", (roll) => memberCalled(roll, document, id)),
        (there) =>
          there.phase === "gone" || there.owner === null
            ? Effect.void
            : write("remove", { document, owner: there.owner }, (roll, word) =>
                memberCalled(roll, document, id).version === version
                  ? deletePopulation(roll, document.name, word)
                  : moved("remove"),
              ),
      ).pipe(Effect.as({ id, operation: null })),
    removed: ({ document }, { id }) =>
      read("removed", (roll) => ({ done: true, member: memberCalled(roll, document, id) })),
  };
};

const askingOf = ({ expansion: { document, sets } }: ObserveRequest): Asking => ({
  document,
  seeds: seedsOfTemplate(sets.find(({ name }) => name === populationSet)?.template ?? {}),
});

const seenFor = (
  roll: Roll,
  request: ObserveRequest,
  asking: ReadonlyArray<Asking>,
): Observation => {
  const { expansion, known } = request;
  const { document, previousName } = expansion;
  const there = memberOf(roll, document);
  const others = known.filter((id) => id !== there?.id);
  return {
    document,
    complete: true,
    members: [
      ...(there === null ? [] : [there]),
      ...others.map((id) => memberCalled(roll, document, id)),
    ],
    places: { [populationSet]: { spread: [inventoryPlace], fallback: [] } },
    blockers: [
      ...blockersOf(roll, askingOf(request), asking),
      ...(previousName === undefined
        ? []
        : [
            {
              reason: "Invalid" as const,
              message: "a population cannot be renamed: hosts are assigned to it by name",
              remedy:
                "leave metadata.previousName out: make the new population beside the old one, and assign the hosts to it",
            },
          ]),
    ],
  };
};

const blind =
  (error: ProviderError) =>
  ({ expansion }: ObserveRequest): Observation => ({
    document: expansion.document,
    complete: false,
    error,
  });

const failed =
  (operation: string) =>
  (error: StoreError | ProviderError): ProviderError => {
    if (error._tag === "ProviderError") return error;
    const { reason, message, place, remedy } = error;
    if (reason === "Moved") return moved(operation);
    return new ProviderError({
      reason: reason === "Corrupt" ? "Denied" : "Unreachable",
      operation,
      message: `the inventory in ${place}: ${message}`,
      ...(remedy === undefined ? {} : { remedy }),
    });
  };

const moved = (operation: string): ProviderError =>
  new ProviderError({
    reason: "Conflict",
    operation,
    message: "somebody changed the inventory meanwhile",
  });

const refused = (
  operation: string,
  { reason, remedy }: Extract<Decision, { readonly refused: unknown }>["refused"],
): ProviderError =>
  new ProviderError({
    // A seed that somebody keeps stops a document when it is looked at: here it came in between.
    reason: reason.code === "KeptElsewhere" ? "Conflict" : "Denied",
    operation,
    message: reason.text,
    remedy,
  });
