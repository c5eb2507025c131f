// What a document asks for is worked out once, and anew by another plugin.

import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { expand } from "../../src/plan/plan.ts";
import type { Document } from "../../src/words/document.ts";
import type { Kind } from "../../src/words/kind.ts";

const document: Document = {
  kind: "Fleet",
  name: "site",
  spec: {},
  inputDigest: "sha256:0",
  place: { file: "site.yaml", line: 1, column: 1 },
};

const kindOf = (resource: string): Kind => ({
  name: "Fleet",
  about: "a fleet",
  apiVersionOptional: true,
  spec: Schema.Struct({}),
  expand: ({ kind, name }) => ({
    document: { kind, name },
    resource,
    sets: [],
    scope: {},
    parallel: { create: 1, remove: 1 },
  }),
});

describe("expand", () => {
  it("asks a plugin once about a document", () => {
    const kinds = [kindOf("one")];
    assert.strictEqual(expand(kinds, document), expand(kinds, document));
    assert.strictEqual(expand(kinds, { ...document, name: "other" }).document.name, "other");
  });

  it("asks another plugin of the same kind anew", () => {
    assert.strictEqual(expand([kindOf("one")], document).resource, "one");
    assert.strictEqual(expand([kindOf("two")], document).resource, "two");
  });
});
