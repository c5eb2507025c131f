// The store's file is made for the user alone from its first moment, and never over another.

import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { createFile, inspectFile } from "../src/file.ts";
import { temporaryFile, temporaryFolder } from "./ground.ts";

describe("createFile", () => {
  it.effect("makes an empty file of mode 0600 whatever the umask", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const before = process.umask(0);
      createFile(file);
      process.umask(before);
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600);
      assert.strictEqual(
        inspectFile("sqlite:x", file, () => 0),
        "new",
      );
    }),
  );

  it.effect("leaves a file that is there as it is", () =>
    Effect.gen(function* () {
      const file = path.join(yield* temporaryFolder, "there");
      fs.writeFileSync(file, "text", { mode: 0o640 });
      createFile(file);
      assert.strictEqual(fs.readFileSync(file, "utf8"), "text");
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o640);
    }),
  );
});

describe("inspectFile", () => {
  it.effect("asks for the file system of the nearest folder that is there", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const asked: Array<string> = [];
      const typeOf = (at: string): number => {
        asked.push(at);
        return 0;
      };
      const file = path.join(folder, "a", "b", "store.db");
      assert.strictEqual(inspectFile("sqlite:x", file, typeOf), "missing");
      createFile(file);
      inspectFile("sqlite:x", file, typeOf);
      assert.deepStrictEqual(asked, [folder, file]);
    }),
  );
});
