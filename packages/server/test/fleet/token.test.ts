// Holds how the daemon's token is kept: made once, for its user alone, and never taken from elsewhere.

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import { keepToken, TokenError } from "../../src/index.ts";

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "muster-token-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true })),
);

const refusal = (path: string) =>
  Effect.map(Effect.flip(keepToken(path)), (error) => {
    assert.instanceOf(error, TokenError);
    return error;
  });

describe("a token", () => {
  it.effect("is made once, in a file of mode 0600, and then read", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "token");
      const made = yield* keepToken(path);
      assert.isTrue(made.isNew);
      assert.match(Redacted.value(made.token), /^[A-Za-z0-9_-]{43}$/u);
      assert.strictEqual(statSync(path).mode & 0o777, 0o600);
      assert.strictEqual(readFileSync(path, "utf8"), `${Redacted.value(made.token)}\n`);
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["token"]);
      const kept = yield* keepToken(path);
      assert.isFalse(kept.isNew);
      assert.strictEqual(Redacted.value(kept.token), Redacted.value(made.token));
      assert.notInclude(inspect(kept) + JSON.stringify(kept), Redacted.value(kept.token));
      const other = yield* keepToken(`${path}-2`);
      assert.notStrictEqual(Redacted.value(other.token), Redacted.value(made.token));
    }).pipe(Effect.scoped),
  );

  it.effect("is one, whoever comes first", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "token");
      const all = yield* Effect.all(
        Array.from({ length: 12 }, () => keepToken(path)),
        { concurrency: 12 },
      );
      assert.strictEqual(new Set(all.map(({ token }) => Redacted.value(token))).size, 1);
      assert.strictEqual(all.filter(({ isNew }) => isNew).length, 1);
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["token"]);
    }).pipe(Effect.scoped),
  );

  it.effect("is not taken from a file that others may touch, a link, a folder or a fragment", () =>
    Effect.gen(function* () {
      const place = yield* folder;
      const path = join(place, "token");
      yield* keepToken(path);
      for (const mode of [0o640, 0o604, 0o620, 0o660, 0o644, 0o601]) {
        chmodSync(path, mode);
        const { reason, message } = yield* refusal(path);
        assert.strictEqual(reason, "Unsafe");
        assert.include(message, `has mode ${mode.toString(8)}`);
      }
      chmodSync(path, 0o600);
      const link = join(place, "link");
      symlinkSync(path, link);
      assert.include((yield* refusal(link)).message, "is a symbolic link");
      const dangling = join(place, "dangling");
      symlinkSync(join(place, "nothing"), dangling);
      assert.include((yield* refusal(dangling)).message, "is a symbolic link");
      assert.isFalse(existsSync(join(place, "nothing")));
      mkdirSync(join(place, "folder"));
      assert.include((yield* refusal(join(place, "folder"))).message, "is no plain file");
      for (const text of [
        "",
        "short",
        `${"x".repeat(43)}\nmore`,
        "x".repeat(300),
        "é".repeat(43),
      ]) {
        writeFileSync(path, text, { mode: 0o600 });
        const { reason, message } = yield* refusal(path);
        assert.strictEqual(reason, "Invalid", text);
        if (text !== "") assert.notInclude(message, text);
      }
      const nowhere = yield* refusal(join(place, "no", "token"));
      assert.deepStrictEqual(
        [nowhere.reason, /ENOENT/u.test(nowhere.message)],
        ["Unavailable", true],
      );
    }).pipe(Effect.scoped),
  );

  it.effect("is not taken from a file of another user", () =>
    Effect.gen(function* () {
      const path = process.getuid?.() === 0 ? join(yield* folder, "token") : "/etc/passwd";
      if (process.getuid?.() === 0) {
        yield* keepToken(path);
        chownSync(path, 65_534, 65_534);
      }
      const { reason, message } = yield* refusal(path);
      assert.strictEqual(reason, "Unsafe");
      assert.include(message, "belongs to another user");
    }).pipe(Effect.scoped),
  );
});
