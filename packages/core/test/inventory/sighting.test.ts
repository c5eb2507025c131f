import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { neverSeen, sight } from "../../src/inventory/sighting.ts";
import {
  type HostObservation,
  HostObservation as Observation,
  Sighting,
} from "../../src/words/host.ts";

const at = (minute: number): string => new Date(Date.UTC(2026, 4, 1, 12, minute)).toISOString();
const answered: HostObservation["contact"] = { reason: null, step: null, message: null };
const silent: HostObservation["contact"] = { reason: "timeout", step: "tcp", message: "10 s" };

const after = (...looks: ReadonlyArray<Omit<HostObservation, "host">>) =>
  looks.reduce((known, look) => sight(known, { host: "a", ...look }), neverSeen("a"));

describe("a sighting", () => {
  it("keeps what a failed look did not see, with the time at which it was seen", () => {
    const known = after(
      { at: at(1), contact: answered, facts: { role: "talos", overrideSha: null } },
      { at: at(2), contact: silent },
    );
    assert.deepStrictEqual(known.role, { value: "talos", at: at(1) });
    assert.deepStrictEqual(known.overrideSha, { value: null, at: at(1) });
    assert.deepStrictEqual(known.contact, { value: silent, at: at(2) });
    assert.strictEqual(known.lastSeen, at(1));
  });

  it("counts the looks in a row that brought no answer, from the first", () => {
    const known = after(
      { at: at(1), contact: silent },
      { at: at(2), contact: answered },
      { at: at(3), contact: silent },
      { at: at(4), dns: { addresses: [], trouble: null } },
      { at: at(5), contact: silent },
    );
    assert.deepStrictEqual(known.silence, { looks: 2, since: at(3) });
    assert.strictEqual(after({ at: at(1), contact: answered }).silence, null);
  });

  it("is not changed by a look that comes late, or twice", () => {
    const newest = { at: at(9), contact: answered, facts: { role: "new", os: "linux" } };
    const known = after(newest);
    for (const late of [newest, { at: at(3), contact: silent, facts: { role: "old" } }]) {
      assert.deepStrictEqual(sight(known, { host: "a", ...late }), known);
    }
  });

  it("does not take what was not looked at for absent", () => {
    const known = after({ at: at(1), contact: answered, facts: { os: "linux" } });
    assert.isFalse("role" in known);
    assert.isFalse("worker" in known);
  });

  it.prop(
    "is the same however often each look is told, and reads back as it was written",
    [Schema.Array(Observation)],
    ([looks]) => {
      const told = looks.map((look, index) => ({ ...look, host: "a", at: at(index % 60) }));
      const once = told.reduce(sight, neverSeen("a"));
      const twice = told.flatMap((look) => [look, look]).reduce(sight, neverSeen("a"));
      assert.deepStrictEqual(twice, once);
      const json = JSON.stringify(Schema.encodeUnknownSync(Sighting)(once));
      assert.deepStrictEqual(
        Schema.decodeUnknownSync(Sighting)(JSON.parse(json)),
        JSON.parse(json),
      );
    },
  );
});
