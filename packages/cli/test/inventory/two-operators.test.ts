// Two operators at once, in two processes on one Postgres: nothing that either said is lost, and each word is audited once.

import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { verifyChain } from "@muster/core";
import {
  addSeeds,
  assign,
  type Decision,
  deletePopulation,
  discover,
  expectRole,
  putPopulation,
  type Roll,
  rollOf,
  setDisabled,
  type Word,
} from "@muster/core/inventory/roll";
import { makeMemoryStore } from "@muster/core/store/memory";
import { canonicalJson } from "@muster/core/words/canonical";
import type { AuditEntry } from "@muster/core/words/audit";
import type { Population } from "@muster/core/words/host";
import { openPostgresStore } from "@muster/store-sql";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "./stores.ts";
import { postgresPresent } from "@muster/testkit/postgres/server";
import { loadRoll } from "../../src/inventory/opened.ts";
import { writeRoll } from "../../src/inventory/write-roll.ts";
import { inWorld, node, startChild, type World } from "../world.ts";
import type { Said } from "./one-operator.ts";

const operatorFile = fileURLToPath(new URL("one-operator.ts", import.meta.url));

const hosts = Array.from({ length: 8 }, (_, index) => `h-${index + 1}`);

const word: Word = {
  actor: { verified: null, claimed: "setup" },
  keeper: { by: "cli" },
  at: "2026-05-01T12:00:00.000Z",
  reason: null,
};

/** What one says: of hosts of its own and of those that both want, of populations, and of one that comes and goes. */
const wordsOf = (name: "ann" | "bob"): ReadonlyArray<ReadonlyArray<string>> => {
  const own = name === "ann" ? hosts.slice(0, 4) : hosts.slice(4);
  const field = name === "ann" ? "--description" : "--target-query";
  const population = `of-${name}`;
  return Array.from({ length: 4 }, (_, round) => [
    ["host", "assign-population", own[round % 4]!, "--population", "both"],
    ["population", "edit", "both", field, name === "ann" ? `round ${round}` : `host:h-${round}`],
    [
      ...["host", "assign-population", "--filter", "expected_role:null"],
      ...["--population", population, "--confirm"],
    ],
    ["host", "disable", "h-1", "--reason", `${name} ${round}`],
    name === "ann"
      ? ["population", "create", "brief", "--expected-role", "brief"]
      : ["host", "assign-population", hosts[round]!, "--population", "brief"],
    ["host", "clear-expected-role", hosts[(round * 3) % 8]!, "--confirm"],
    name === "ann"
      ? ["population", "delete", "brief"]
      : ["host", "assign-population", hosts[round]!, "--population", "both"],
    ["host", "enable", "h-1", "--reason", `${name} ${round}`],
  ]).flat();
};

const prepare = Effect.fnUntraced(function* (store: Parameters<typeof writeRoll>[0]) {
  const say = (decide: (roll: Roll) => Decision) =>
    writeRoll(store, (roll) => Effect.succeed(decide(roll)));
  yield* say((roll) =>
    addSeeds(
      roll,
      hosts.map((host) => ({ host })),
      word,
    ),
  );
  yield* say((roll) => discover(roll, hosts, word));
  for (const name of ["both", "of-ann", "of-bob"]) {
    yield* say((roll) => putPopulation(roll, populationOf(name), "create", word));
  }
});

const populationOf = (name: string): Population => ({
  name,
  expectedRole: name,
  targetQuery: null,
  description: null,
  workers: null,
  keeper: { by: "cli" },
});

const operate = async (world: World, name: "ann" | "bob", store: string) => {
  const args = [
    "--conditions=muster-source",
    operatorFile,
    JSON.stringify(wordsOf(name).map((args) => [...args, "-o", "json"])),
  ];
  const env = { ...world.env, USER: name, MUSTER_STORE: store };
  const ended = await startChild(new Set(), node, args, { cwd: world.folder, env }).ended;
  assert.deepStrictEqual([ended.code, ended.stderr], [0, ""]);
  return ended.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Said);
};

const wordIn = ({ actor, at, reason }: AuditEntry): Word => ({
  actor,
  at,
  keeper: { by: "cli" },
  reason: reason.text,
});

/** What the entry says was done, done on another roll. */
const replay = (roll: Roll, entry: AuditEntry): Decision => {
  const { action, targets, parameters } = entry;
  const said = wordIn(entry);
  const population = parameters["population"];
  switch (action) {
    case "assign population":
      return assign(roll, targets, population as string, said);
    case "clear expected role":
      return expectRole(roll, targets, null, said);
    case "disable":
      return setDisabled(roll, targets, true, said);
    case "enable":
      return setDisabled(roll, targets, false, said);
    case "create population":
      return putPopulation(roll, population as unknown as Population, "create", said);
    case "edit population":
      return putPopulation(roll, population as unknown as Population, "edit", said);
    case "delete population":
      return deletePopulation(roll, targets[0]!, said);
    default:
      return assert.fail(`nobody said ${action}`);
  }
};

/** The fields that an edit changed. */
const changedFields = (before: Population, after: Population): ReadonlyArray<string> =>
  Object.keys(after).filter(
    (field) =>
      canonicalJson(before[field as keyof Population]) !==
      canonicalJson(after[field as keyof Population]),
  );

/** Each entry, in the order of the audit, is a whole word on the roll that all before it left. */
const replayAll = Effect.fnUntraced(function* (entries: ReadonlyArray<AuditEntry>) {
  const model = makeMemoryStore();
  yield* prepare(model);
  for (const entry of entries) {
    const roll = yield* loadRoll(model);
    const said = `${entry.seq}: ${entry.action} ${entry.targets.join(" ")}`;
    if (entry.action === "edit population") {
      const after = entry.parameters["population"] as unknown as Population;
      const field = entry.actor.claimed.startsWith("ann") ? "description" : "targetQuery";
      // Whatever the other one said of it stands as it was said.
      assert.deepStrictEqual(changedFields(roll.populations.get("both")!, after), [field], said);
    }
    if (entry.reason.text === "--filter expected_role:null") {
      const free = hosts.filter(
        (name) =>
          roll.hosts.get(name)!.expectedRole === null && roll.hosts.get(name)!.disabled === null,
      );
      assert.deepStrictEqual([...entry.targets].sort(), free, said);
    }
    const decision = replay(roll, entry);
    if ("refused" in decision) return assert.fail(`${said}: ${decision.refused.reason.text}`);
    assert.deepStrictEqual(decision.decided.changed, entry.targets, said);
    yield* model.commit(decision.decided.batch);
  }
  return yield* loadRoll(model);
});

describe.skipIf(!postgresPresent())("two operators on Postgres", () => {
  const shared = sharedPostgres();

  it(
    "lose no update: the roll is what their words make of it, one after the other",
    inWorld((world) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const server = yield* shared;
            const schema = freshSchema();
            const url = server.url("muster_owner", `?schema=${schema}`);
            const place = placeFor(server, "muster_owner", schema);
            const store = yield* openPostgresStore({ place });
            yield* prepare(store);
            const begun = yield* store.auditHead;
            const said = yield* Effect.promise(() =>
              Promise.all((["ann", "bob"] as const).map((name) => operate(world, name, url))),
            );

            const entries = yield* store.auditEntries(begun.seq, 1_000);
            assert.isUndefined(
              verifyChain(yield* store.auditEntries(0, 1_000), yield* store.auditHead),
            );
            const roll = yield* replayAll(entries);
            const owner = "muster inventory";
            assert.deepStrictEqual(rollOf(yield* store.load(owner)), roll);
            for (const [index, name] of (["ann", "bob"] as const).entries()) {
              expectAudited(name, said[index]!, entries);
            }
            // They were at it at the same time, or nothing is proven.
            const turns = entries.map(({ actor }) => actor.claimed[0]).join("");
            assert.match(turns, /ab+a|ba+b/u);
          }),
        ),
      ),
    ),
    600_000,
  );
});

/** Who was told that it is done has one entry for it, and who was told anything else has none. */
const expectAudited = (
  name: string,
  said: ReadonlyArray<Said>,
  entries: ReadonlyArray<AuditEntry>,
): void => {
  const done = said.flatMap(({ args, code, result }) => {
    // A population that is not there, or is in use, is refused; nothing else is.
    if (code !== 0) {
      assert.match(
        `${code} ${result}`,
        /^1 .*there is no population|^5 .*hosts that are assigned/u,
      );
      return [];
    }
    const { changed, written } = JSON.parse(result) as {
      readonly changed: ReadonlyArray<string>;
      readonly written: boolean;
    };
    assert.strictEqual(written, changed.length > 0, args.join(" "));
    return written ? [changed.join(" ")] : [];
  });
  const audited = entries.filter(({ actor }) => actor.claimed.startsWith(`${name}@`));
  assert.deepStrictEqual(
    audited.map(({ targets }) => targets.join(" ")),
    done,
  );
};
