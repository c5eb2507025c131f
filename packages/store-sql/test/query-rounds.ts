// Compares what a database says of rows with what is said in memory: the same queries, the same rows, drawn.

import { assert } from "@effect/vitest";
import { hostRow } from "@muster/core/inventory/host-row";
import { hostFields } from "@muster/core/query/host-fields";
import { makeJudge } from "@muster/core/query/judge";
import type { Truth } from "@muster/core/query/judge";
import { parseQuery } from "@muster/core/query/parse";
import type { Row } from "@muster/core/query/row";
import type { Query } from "@muster/core/query/tree";
import type { Vocabulary } from "@muster/core/query/vocabulary";
import {
  type Dice,
  randomQuery,
  randomRow,
  sampleLabels,
  sampleNow,
  sampleVocabulary,
} from "@muster/testkit/query/random";
import { randomHost } from "@muster/testkit/query/random-host";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { encodeFields } from "../src/query-sql.ts";

export const cases = Number(process.env["MUSTER_QUERY_CASES"] ?? 5_000);
export const seed = Number(process.env["MUSTER_QUERY_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

/** Milliseconds; many cases take longer than a test may by default. */
export const timeout = Math.max(300_000, cases * 100);

/** A table of rows that a database was given, and what it says of each, in their order. */
export interface Evaluator {
  readonly name: string;
  /** Takes the rows in place of those before. */
  readonly keep: (columns: ReadonlyArray<string>) => Effect.Effect<void>;
  readonly ask: (query: Query) => Effect.Effect<ReadonlyArray<Truth>>;
}

/** What is drawn: queries of a vocabulary, and rows with its fields. */
export interface Sample {
  readonly vocabulary: Vocabulary;
  readonly row: (roll: Dice) => Row;
  /** So much of the answers is each of true, false and unknown: else agreement would say little. */
  readonly leastShare: number;
}

/** Rows in which anything may stand anywhere. */
export const sampleRows: Sample = {
  vocabulary: sampleVocabulary,
  row: randomRow,
  leastShare: 0.1,
};

const context = { labels: sampleLabels, workerMillis: 7_200_000, now: sampleNow };

/** Hosts as the inventory knows them, of all fields that it tells. */
export const sampleHosts: Sample = {
  vocabulary: hostFields,
  row: (roll) => hostRow(randomHost(roll), context),
  leastShare: 0.1,
};

export const parsed = (text: string, vocabulary: Vocabulary): Query => {
  const result = parseQuery(text, vocabulary);
  if (Result.isSuccess(result)) return result.success;
  assert.fail(`${text.slice(0, 200)}: ${JSON.stringify(result.failure)}`);
};

export const rowsOfRound = 30;
const queriesOfRound = 50;

/** As many queries as there are cases, each of the rows of its round. */
export const compare = Effect.fnUntraced(function* (
  evaluator: Evaluator,
  { vocabulary, row, leastShare }: Sample,
  roll: Dice,
) {
  const counts = new Map<Truth, number>();
  for (let left = cases; left > 0; left -= queriesOfRound) {
    const rows = Array.from({ length: rowsOfRound }, () => row(roll));
    yield* evaluator.keep(rows.map(encodeFields));
    for (let index = Math.min(left, queriesOfRound); index > 0; index--) {
      const text = randomQuery(roll, vocabulary);
      const query = parsed(text, vocabulary);
      const answers = yield* evaluator.ask(query);
      assert.lengthOf(answers, rowsOfRound);
      const judge = makeJudge(query, sampleNow);
      for (const [id, one] of rows.entries()) {
        const truth = judge(one);
        counts.set(truth, (counts.get(truth) ?? 0) + 1);
        if (answers[id] === truth) continue;
        assert.fail(`${text}\n${told(one)}\nmemory: ${truth}, ${evaluator.name}: ${answers[id]}`);
      }
    }
  }
  for (const truth of [true, false, "unknown"] as const) {
    assert.isAbove(counts.get(truth) ?? 0, cases * rowsOfRound * leastShare, String(truth));
  }
});

const told = (row: Row): string =>
  JSON.stringify(row, (_, value: unknown) => (value === undefined ? "(unknown)" : value));
