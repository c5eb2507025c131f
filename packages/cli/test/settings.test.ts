import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { loadConfig } from "../src/settings.ts";

const folder = mkdtempSync(join(tmpdir(), "muster-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (name: string, text: string) => {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, text);
  return loadConfig(Option.some(file), {});
};

describe("the operator's configuration", () => {
  it.effect("that cannot be used is a wrong input, and says what is wrong with it", () =>
    Effect.gen(function* () {
      const faults = {
        "export default { plugins: [1] }": /holds something that is no plugin/u,
        "export default { plugins: {} }": /plugins is no list/u,
        "export default { owner: 3 }": /owner is no text/u,
        "export default { store: [] }": /store is no text/u,
        "export default { plugin: [] }": /unknown field "plugin"/u,
        "export default { owner: 3, hosts: {}, store: 1 }": /owner is no text; store is no text/u,
        "export default { hosts: { converge: 'a\\nb' } }": /hosts\.converge is no single line/u,
        "export default { hosts: { refresh: { fastSeconds: 1 } } }":
          /hosts\.refresh\.fastSeconds is not from 30 to 86400/u,
        "export default { hosts: { drift: { staleSecond: 60 } } }":
          /unknown field "hosts\.drift\.staleSecond"/u,
        "export default { operators: { groups: 'relops' } }": /operators\.groups is no list/u,
        "export const config = {}": /no default export/u,
        "export default {": /cannot load/u,
      };
      for (const [index, [text, expected]] of Object.entries(faults).entries()) {
        const end = yield* Effect.flip(load(`faulty-${index}`, text));
        assert.strictEqual(end.code, 1, text);
        assert.match(end.message, expected);
      }
    }),
  );

  it.effect("is taken as it stands, and is nothing when nobody names it", () =>
    Effect.gen(function* () {
      const config = yield* load("sound", "export default { owner: 'team-a', store: 'memory:' }");
      assert.strictEqual(config.owner, "team-a");
      assert.deepStrictEqual(yield* loadConfig(Option.none(), {}), {});
    }),
  );
});
