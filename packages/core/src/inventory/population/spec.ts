// The schema of a Population's spec: what is expected of its hosts, and the seeds that it brings.

import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { hostFields } from "../../query/host-fields.ts";
import { parseQuery } from "../../query/parse.ts";
import { rule, type Rule } from "../../read/rules.ts";
import type { SpecFault } from "../../words/kind.ts";
import { quote } from "../../words/quote.ts";
import { formatAddress, readSeed } from "../seed-file.ts";

const line = (longest: number) =>
  Schema.String.check(
    Schema.isPattern(new RegExp(`^[^\\u0000-\\u001f\\u007f-\\u009f]{1,${longest}}$`, "u"), {
      expected: `text of 1 to ${longest} characters in one line`,
    }),
  );

const mostSeeds = 10_000;

export const PopulationSpec = Schema.Struct({
  expectedRole: Schema.optionalKey(
    line(200).annotate({
      title: "Expected role",
      description:
        "The role that its hosts are expected to have, as in their `/etc/puppet_role`. It is set on a host when the host is assigned.",
    }),
  ),
  description: Schema.optionalKey(
    line(1_000).annotate({ title: "Description", description: "For people." }),
  ),
  targetQuery: Schema.optionalKey(
    line(2_000).annotate({
      title: "Target query",
      description:
        "Which of the assigned hosts rollouts mean when nobody says; a query. It never assigns a host.",
    }),
  ),
  taskcluster: Schema.optionalKey(
    Schema.Struct({
      provisioner: line(200).annotate({ title: "Provisioner", description: "Its provisioner." }),
      workerType: line(200).annotate({ title: "Worker type", description: "Its worker type." }),
    }).annotate({
      title: "Taskcluster",
      description: "Where its hosts are workers: the source of `tc-missing` and `tc-mismatch`.",
    }),
  ),
  seeds: Schema.optionalKey(
    Schema.Array(
      Schema.String.annotate({
        title: "Seed",
        description: "A host as `[user@]host[:port]`.",
      }),
    )
      .check(Schema.isMaxLength(mostSeeds, { expected: `a list of at most ${mostSeeds} hosts` }))
      .annotate({
        title: "Seeds",
        description:
          "Hosts that discovery begins at. A seed is kept by one document, or by the command line. It assigns no host to anything, and a seed that is taken out deletes none.",
      }),
  ),
}).annotate({
  title: "Population",
  description: "Hosts that belong together, once people have assigned them.",
});
export type PopulationSpec = typeof PopulationSpec.Type;

const populationRule = rule<PopulationSpec>();

const queryRule = populationRule(["targetQuery"], ({ targetQuery }) => {
  if (targetQuery === undefined) return [];
  const parsed = parseQuery(targetQuery, hostFields);
  if (Result.isSuccess(parsed)) return [];
  return parsed.failure.map(({ at, summary, hint }): SpecFault => ({
    path: ["spec", "targetQuery"],
    summary: `at character ${at.column} of the query: ${summary}`,
    ...(hint === undefined ? {} : { hint }),
  }));
});

const seedRule = populationRule(["seeds"], ({ seeds = [] }) => {
  const first = new Map<string, number>();
  return seeds.flatMap((text, index): ReadonlyArray<SpecFault> => {
    const path = ["spec", "seeds", index];
    const read = readSeed(text);
    if ("fault" in read) return [{ path, summary: read.fault, hint: read.hint }];
    const { host } = read.address;
    const before = first.get(host);
    if (before === undefined) {
      first.set(host, index);
      return [];
    }
    return [
      {
        path,
        summary: `${quote(host)} is a seed already, at seeds[${before}]`,
        hint: "remove one of the two",
      },
    ];
  });
});

export const populationRules: ReadonlyArray<Rule<PopulationSpec>> = [queryRule, seedRule];

/** The seeds of a sound spec as they are kept everywhere: in one spelling, sorted. */
export const seedsOf = ({ seeds = [] }: PopulationSpec): ReadonlyArray<string> =>
  seeds
    .flatMap((text) => {
      const read = readSeed(text);
      return "fault" in read ? [] : [formatAddress(read.address)];
    })
    .toSorted();
