// What an examination tells of a store's file: whole, safe, usable, or what is wrong; and that it changes nothing.

import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import type { Finding } from "@muster/core/words/finding";
import { sampleDraft, sampleStatus } from "@muster/testkit/store/samples";
import * as Effect from "effect/Effect";
import { examineSqliteStore } from "../src/examine.ts";
import { openSqliteStore } from "../src/open.ts";
import { openRaw, temporaryFile } from "./ground.ts";

const written = Effect.gen(function* () {
  const file = yield* temporaryFile;
  const puts = Array.from({ length: 200 }, (_, index) => sampleStatus(`web-${index}`));
  yield* Effect.scoped(
    Effect.flatMap(openSqliteStore({ path: file }), (store) =>
      store.commit({ owner: "o", puts, audit: [sampleDraft("one")] }),
    ),
  );
  return file;
});

const verdicts = (findings: ReadonlyArray<Finding>): Readonly<Record<string, string>> =>
  Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));

const well = {
  ...{ store: "ok", "store integrity": "ok" },
  ...{ "store writable": "ok", "store permissions": "ok" },
};

describe("examineSqliteStore", () => {
  it.live("finds nothing in a store that is well, and leaves it as it was", () =>
    Effect.gen(function* () {
      const file = yield* written;
      const before = fs.readFileSync(file);
      assert.deepStrictEqual(verdicts(yield* examineSqliteStore({ path: file })), well);
      assert.isTrue(before.equals(fs.readFileSync(file)));
    }),
  );

  it.live("says of a store that is not there that it will be made, and makes nothing", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const found = yield* examineSqliteStore({ path: file });
      assert.deepStrictEqual(verdicts(found), { store: "ok", "store writable": "ok" });
      assert.include(found[0]!.message, "there is none yet");
      assert.isFalse(fs.existsSync(path.dirname(file)));
    }),
  );

  it.live("tells damage inside of the file, though it opens", () =>
    Effect.gen(function* () {
      const file = yield* written;
      assert.isAbove(fs.statSync(file).size, 45_056);
      const handle = fs.openSync(file, "r+");
      fs.writeSync(handle, Buffer.alloc(4_096, 0xff), 0, 4_096, 32_768);
      fs.closeSync(handle);
      const found = yield* examineSqliteStore({ path: file });
      assert.strictEqual(verdicts(found)["store integrity"], "failed");
      assert.include(found.find(({ verdict }) => verdict === "failed")!.remedy ?? "", "backup");
    }),
  );

  it.live("tells damage that only a look through the whole file finds", () =>
    Effect.gen(function* () {
      const file = yield* written;
      const handle = fs.openSync(file, "r+");
      // How many bytes of a page are lost between its cells: nobody needs it to read.
      fs.writeSync(handle, Buffer.from([55]), 0, 1, 32_768 + 7);
      fs.closeSync(handle);
      const found = yield* examineSqliteStore({ path: file });
      assert.deepStrictEqual(verdicts(found), { ...well, "store integrity": "failed" });
      assert.match(
        found.find(({ verdict }) => verdict === "failed")!.message,
        /^the file is damaged: /,
      );
    }),
  );

  it.live("tells what is no store, what lies on a network, and what others can read", () =>
    Effect.gen(function* () {
      const file = yield* written;
      fs.chmodSync(file, 0o644);
      const open = yield* examineSqliteStore({ path: file });
      assert.deepStrictEqual(verdicts(open), { ...well, "store permissions": "warning" });
      assert.include(open.at(-1)!.remedy ?? "", `chmod 600 '${file}'`);
      const far = yield* examineSqliteStore({ path: file, fileSystemType: () => 0x6969 });
      assert.deepStrictEqual(verdicts(far), { store: "failed" });
      assert.include(far[0]!.message, "NFS");
      fs.writeFileSync(file, "some text");
      const foreign = yield* examineSqliteStore({ path: file });
      assert.deepStrictEqual(verdicts(foreign), { store: "failed" });
      assert.strictEqual(foreign[0]!.origin, "infrastructure");
      const another = yield* temporaryFile;
      fs.mkdirSync(path.dirname(another), { recursive: true });
      (yield* openRaw(another)).exec("CREATE TABLE theirs (a)");
      const theirs = yield* examineSqliteStore({ path: another });
      assert.deepStrictEqual(verdicts(theirs), { store: "failed" });
      assert.include(theirs[0]!.message, "another application");
      const nameless = yield* written;
      (yield* openRaw(nameless)).exec("DELETE FROM meta WHERE name = 'id'");
      assert.strictEqual(
        verdicts(yield* examineSqliteStore({ path: nameless }))["store"],
        "failed",
      );
    }),
  );

  it.live("says that another process holds it, which is no failure", () =>
    Effect.gen(function* () {
      const file = yield* written;
      const other = yield* openRaw(file);
      other.exec("BEGIN IMMEDIATE");
      const found = yield* examineSqliteStore({ path: file });
      assert.deepStrictEqual(verdicts(found), { ...well, "store writable": "warning" });
      other.exec("ROLLBACK");
    }),
  );
});
