// Holds what must be true of the cloud, the stores and the branches, whoever ran and whatever became of them.

import { assert } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StoreShape } from "@muster/core/store/store";
import { type AuditEntry, verifyChain } from "@muster/core/words/audit";
import type { FakeCloud, FakeMutation } from "@muster/testkit/fleet/fake-cloud";
import type { Sandbox } from "./sandbox.ts";

export const statusRef = "refs/heads/muster/status/default";
const auditRef = "refs/heads/muster/audit/default";
const leaseRef = "refs/heads/muster/lease/default";

/** The refs that one push moved, each with where it stands since. */
type Push = ReadonlyMap<string, string>;

/** Lets the remote write down what each push moved, in the order of arriving. */
export const writeDownPushes = ({ remote }: Sandbox): void => {
  const hook = join(remote, "hooks", "post-receive");
  // One write for each push: two that arrive together do not mix.
  writeFileSync(hook, `#!/bin/sh\nmoved=$(cat)\nprintf '%s\\n\\n' "$moved" >> pushes\n`);
  chmodSync(hook, 0o755);
};

const pushesOf = ({ remote }: Sandbox): ReadonlyArray<Push> => {
  const file = join(remote, "pushes");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n\n")
    .filter((push) => push !== "")
    .map((push) => new Map(push.split("\n").map((line) => [line.slice(82), line.slice(41, 81)])));
};

/** Status and audit only ever move with the lease, each to the next commit of one line. */
export const expectOneLine = (box: Sandbox): void => {
  const pushes = pushesOf(box);
  for (const ref of [statusRef, auditRef]) {
    const moves = pushes.filter((push) => push.has(ref));
    for (const push of moves) assert.isTrue(push.has(leaseRef), `${ref} moved without the lease`);
    if (moves.length === 0) continue;
    assert.deepStrictEqual(
      box.inRemote("", "rev-list", "--parents", "--reverse", ref).split("\n"),
      moves.map((push, at) => [push.get(ref), ...parentOf(moves, at, ref)].join(" ")),
      `${ref} is one line of all that was pushed`,
    );
  }
};

const parentOf = (moves: ReadonlyArray<Push>, at: number, ref: string): ReadonlyArray<string> =>
  at === 0 ? [] : [moves[at - 1]!.get(ref)!];

/** No member is launched twice, and all that was done was announced before. */
export const expectOnce = Effect.fnUntraced(function* (
  cloud: FakeCloud,
  stores: ReadonlyArray<StoreShape>,
) {
  const launched = cloud.mutations().filter(({ operation }) => operation === "create");
  const names = launched.map(({ name }) => name);
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  assert.deepStrictEqual(twice, [], "launched twice");
  const entries = yield* Effect.forEach(stores, (store) => store.auditEntries(0, 100_000));
  const intents = entries.flat().filter(({ phase }) => phase === "intent");
  const silent = cloud.mutations().filter((mutation) => !intents.some(announces(mutation)));
  assert.deepStrictEqual(silent, [], "done and not announced");
});

const announces =
  ({ operation, name, id, token, at }: FakeMutation) =>
  (intent: AuditEntry): boolean =>
    intent.action === operation &&
    intent.targets.includes(operation === "create" ? name : id) &&
    (token === null || intent.parameters["token"] === token) &&
    Date.parse(intent.at) <= at;

/** The chain is whole, and no run goes on in it once another has begun. */
export const expectInTurn = Effect.fnUntraced(function* (store: StoreShape) {
  const entries = yield* store.auditEntries(0, 100_000);
  assert.isUndefined(verifyChain(entries));
  const runs = entries.map(({ run }) => run).filter((run, at, all) => run !== all[at - 1]);
  assert.strictEqual(new Set(runs).size, runs.length, "a run went on after another had begun");
});

/** Whatever was begun has an end that the store knows; nothing waits for a successor any more. */
export const expectSettled = Effect.fnUntraced(function* (store: StoreShape, owner: string) {
  const records = yield* store.load(owner);
  assert.deepStrictEqual(
    records.filter(({ _tag }) => _tag === "Intent"),
    [],
    "left open",
  );
});

/** Git holds the whole audit of a store. */
export const expectPublished = Effect.fnUntraced(function* (box: Sandbox, store: StoreShape) {
  const entries = yield* store.auditEntries(0, 100_000);
  const files = box.inRemote("", "ls-tree", "-r", "--name-only", auditRef, `${store.id}/`);
  const lines = files
    .split("\n")
    .flatMap((file) => box.inRemote("", "show", `${auditRef}:${file}`).split("\n"));
  assert.deepStrictEqual(
    lines.map((line) => JSON.parse(line) as AuditEntry),
    entries,
    "git holds the whole audit",
  );
});
