// The kind Population: a document of the config repository that keeps one population and its seeds.

import { checkRules, withRules } from "../../read/rules.ts";
import type { Document } from "../../words/document.ts";
import type { Population, Seed } from "../../words/host.ts";
import type { JsonObject } from "../../words/json.ts";
import type { Kind } from "../../words/kind.ts";
import type { Expansion } from "../../words/set.ts";
import { formatAddress } from "../seed-file.ts";
import { populationRules, PopulationSpec, seedsOf } from "./spec.ts";

/** What keeps populations; its one place is the inventory. */
export const populationResource = "muster.population";

/** The one set of each document; its one member is the record. */
export const populationSet = "population";

export const PopulationKind: Kind<PopulationSpec> = {
  name: "Population",
  about: "Hosts that belong together: what is expected of them, and where discovery begins.",
  apiVersionOptional: false,
  spec: withRules(PopulationSpec, populationRules),
  check: ({ spec }) => checkRules(populationRules, spec),
  expand: (document) => expandPopulation(document),
};

/**
 * One set of one member. A changed spec awaits replacement like any changed template: the successor
 * is written over the record, so that hosts never belong to nothing in between.
 */
const expandPopulation = ({ kind, name, previousName, spec }: Document<PopulationSpec>) => {
  const document = { kind, name };
  const expansion: Expansion = {
    document,
    ...(previousName === undefined ? {} : { previousName }),
    resource: populationResource,
    sets: [
      {
        resource: populationResource,
        document,
        name: populationSet,
        count: 1,
        template: templateOf(
          {
            expectedRole: spec.expectedRole ?? null,
            targetQuery: spec.targetQuery ?? null,
            description: spec.description ?? null,
            workers: spec.taskcluster ?? null,
          },
          seedsOf(spec),
        ),
      },
    ],
    scope: {},
    parallel: { create: 1, remove: 1 },
    replace: { maxUnavailable: 0, maxSurge: 1, pauseMillis: 0, onDrift: true },
  };
  return expansion;
};

/** What a population is made from, the same for a document and for a record. */
const templateOf = (
  said: Pick<Population, "expectedRole" | "targetQuery" | "description" | "workers">,
  seeds: ReadonlyArray<string>,
): JsonObject => ({
  expectedRole: said.expectedRole,
  targetQuery: said.targetQuery,
  description: said.description,
  workers:
    said.workers === null
      ? null
      : { provisioner: said.workers.provisioner, workerType: said.workers.workerType },
  seeds: [...seeds],
});

export const templateOfRecord = (population: Population, seeds: ReadonlyArray<Seed>): JsonObject =>
  templateOf(population, seeds.map(({ address }) => formatAddress(address)).toSorted());
