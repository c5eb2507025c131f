// Holds that what known_hosts files say is what they say now, and that a new key meets no other.

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeKnownHostsKeeper } from "../src/known-hosts-keeper.ts";
import { judgeKey, knownHostsLine } from "../src/known-hosts.ts";
import { temporaryFolder } from "./folder.ts";
import { keyOf } from "./keys.ts";

const name = { host: "web", port: 22 };
const [mine, theirs] = [keyOf("mine"), keyOf("theirs")];

const setUp = Effect.map(temporaryFolder, (folder) => {
  const file = join(folder, "known_hosts");
  const files = [file, join(folder, "global")];
  const keeper = makeKnownHostsKeeper();
  return { file, files, keeper, mineToo: { files, file, name, key: mine, hash: false } };
});

it.live("a file that was written since is read again, and one that was not is not", () =>
  Effect.gen(function* () {
    const { file, files, keeper } = yield* setUp;
    const first = yield* keeper.read(files);
    expect(judgeKey(first, name, mine).verdict).toBe("unknown");
    expect(yield* keeper.read(files)).toBe(first);
    writeFileSync(file, knownHostsLine(name, mine, false));
    const second = yield* keeper.read(files);
    expect(judgeKey(second, name, mine).verdict).toBe("known");
    appendFileSync(file, `@revoked ${knownHostsLine(name, mine, false)}`);
    expect(judgeKey(yield* keeper.read(files), name, mine).verdict).toBe("revoked");
  }).pipe(Effect.scoped),
);

it.live("a new key is kept once, and its own line is no reason to read again", () =>
  Effect.gen(function* () {
    const { file, files, keeper, mineToo } = yield* setUp;
    const before = yield* keeper.read(files);
    const verdicts = yield* Effect.forEach([1, 2, 3], () => keeper.keep(mineToo), {
      concurrency: 3,
    });
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["known", "known", "known"]);
    expect(readFileSync(file, "utf8")).toBe(knownHostsLine(name, mine, false));
    expect(yield* keeper.read(files)).toBe(before);
  }).pipe(Effect.scoped),
);

it.live("a new key is not kept beside another that was written meanwhile", () =>
  Effect.gen(function* () {
    const { file, files, keeper, mineToo } = yield* setUp;
    yield* keeper.read(files);
    writeFileSync(file, knownHostsLine(name, theirs, false));
    expect((yield* keeper.keep(mineToo)).verdict).toBe("changed");
    expect(readFileSync(file, "utf8")).toBe(knownHostsLine(name, theirs, false));
  }).pipe(Effect.scoped),
);
