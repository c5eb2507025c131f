// Checks how the holder of a lease is named, and read back.

import { describe, expect, it } from "@effect/vitest";
import { holderOf, readHolder } from "../../src/fleet/lease.ts";

describe("the holder of a fleet's lease", () => {
  it("names person, process, host and operation", () => {
    const text = holderOf("ann@host", 4711, "host", "scale-up");
    expect(text).toBe("ann@host, process 4711 on host: scale-up");
    const read = { by: "ann@host", pid: 4711, host: "host", operation: "scale-up" };
    expect(readHolder(text)).toEqual(read);
    expect(readHolder(`${text}#0123abcd`)).toEqual(read);
  });

  it.each(["ann@host 6f1c0d5e", "", "x, process -1 on h: scale", "x, process 99999999999 on h: s"])(
    "is not guessed from %j",
    (text) => {
      expect(readHolder(text)).toBeNull();
    },
  );
});
