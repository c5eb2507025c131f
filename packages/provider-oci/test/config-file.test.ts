// Holds how an OCI config file is read.

import { assert, describe, it } from "@effect/vitest";
import { entriesOf, parseConfig } from "../src/config-file.ts";

describe("a config file", () => {
  it("gives profiles, values and lines; DEFAULT is inherited", () => {
    const config = parseConfig(
      "\uFEFF# comment\r\n[DEFAULT]\r\nuser = ocid1.user\r\nregion=a-b-1\r\n\r\n" +
        "; more\n[ PROD ]\nregion = c=d \n",
    );
    assert.deepStrictEqual(config.faults, []);
    const entries = entriesOf(config, "PROD");
    assert.deepStrictEqual(entries?.get("user"), { value: "ocid1.user", line: 3 });
    assert.deepStrictEqual(entries?.get("region"), { value: "c=d", line: 8 });
    assert.strictEqual(entriesOf(config, "DEFAULT")?.get("region")?.value, "a-b-1");
    assert.isUndefined(entriesOf(config, "TEST"));
  });

  it("lists every line that it cannot read, without the line", () => {
    const { faults } = parseConfig("user=early\n[]\n[A]\npass_phrase hunter2\n=x\n");
    assert.deepStrictEqual(
      faults.map(({ line }) => line),
      [1, 2, 4, 5],
    );
    assert.notInclude(JSON.stringify(faults), "hunter2");
  });

  it("joins sections of one name", () => {
    const config = parseConfig("[A]\na=1\n[B]\nb=2\n[A]\nc=3\n");
    assert.deepStrictEqual([...(entriesOf(config, "A")?.keys() ?? [])], ["a", "c"]);
  });
});
