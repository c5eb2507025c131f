// Who holds a slot, and which name a free one gives.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { freeSlots, type Occupant, separateTwins, type Slot } from "../../src/plan/occupancy.ts";

const small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }));

const occupant = (slot: number, generation: number, id: string, minute: number): Occupant => ({
  name: { set: "web", slot, generation },
  sighting: {
    id,
    displayName: id,
    document: "site",
    name: { set: "web", slot, generation },
    owner: "us",
    phase: "running",
    createdAt: `2026-05-01T12:0${minute}:00.000Z`,
    place: "a",
    template: null,
    restart: null,
    health: null,
    version: null,
  },
});

describe("free slots", () => {
  it("are the lowest; the dead raise the generation, a launch in flight keeps it", () => {
    const slots = new Map<number, Slot>([
      [1, { slot: 1, generation: 2, state: "dead" }],
      [2, { slot: 2, generation: 7, state: "held" }],
      [3, { slot: 3, generation: 4, state: "launching" }],
    ]);
    assert.deepStrictEqual(freeSlots("web", slots, 3), [
      { set: "web", slot: 1, generation: 3 },
      { set: "web", slot: 3, generation: 4 },
      { set: "web", slot: 4, generation: 1 },
    ]);
  });
});

describe("twins", () => {
  it.effect.prop(
    "the oldest of each name stays, whatever the order of the list",
    {
      seen: Schema.Array(Schema.Struct({ slot: small, generation: small, minute: small })),
      turn: small,
    },
    ({ seen, turn }) =>
      Effect.sync(() => {
        const all = seen.map((one, index) =>
          occupant(one.slot, one.generation, `m-${index}`, one.minute),
        );
        const { members, twins } = separateTwins(all);
        const ids = (list: ReadonlyArray<Occupant>) =>
          list.map(({ sighting }) => sighting.id).sort();
        const rotated = separateTwins([...all.slice(turn), ...all.slice(0, turn)].toReversed());
        assert.deepStrictEqual(ids(rotated.members), ids(members));
        const names = members.map(({ name }) => `${name.slot}.${name.generation}`);
        assert.strictEqual(new Set(names).size, names.length);
        assert.strictEqual(members.length + twins.length, all.length);
        for (const twin of twins) {
          const older = members.find(
            ({ name }) => name.slot === twin.name.slot && name.generation === twin.name.generation,
          )!;
          assert.isTrue(older.sighting.createdAt <= twin.sighting.createdAt);
        }
      }),
  );
});
