import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { formatAddress, readSeed, readSeedFile } from "../../src/inventory/seed-file.ts";

const faultsOf = (text: string) =>
  readSeedFile("seeds.txt", text).diagnostics.map(
    ({ line, column, severity, summary }) => `${line}:${column} ${severity} ${summary}`,
  );

describe("a seed file", () => {
  it("has one host per line, with comments, blank lines and any line ends", () => {
    const text =
      "\u{FEFF}# talos\r\nT-Linux64-001.test.\r\n\n  ops@b:2222 # rack 3\n[::1]:22\nfe80::1\r10.0.0.7";
    const { addresses, diagnostics } = readSeedFile("seeds.txt", text);
    assert.deepStrictEqual(diagnostics, []);
    assert.deepStrictEqual(addresses, [
      { host: "t-linux64-001.test" },
      { host: "b", user: "ops", port: 2222 },
      { host: "::1", port: 22 },
      { host: "fe80::1" },
      { host: "10.0.0.7" },
    ]);
  });

  it("names each host that stands twice, and where; lines that differ are an error", () => {
    assert.deepStrictEqual(faultsOf("a\nb\nA\nroot@b"), [
      '3:1 warning "a" stands in line 1 already',
      '4:1 error "b" stands in line 2 already',
    ]);
    assert.strictEqual(readSeedFile("seeds.txt", "a\nA").addresses.length, 1);
  });

  it("tells every fault at its place, and keeps the other lines", () => {
    assert.deepStrictEqual(
      faultsOf("good\n  a b\n-oProxyCommand=x\nx:0\nx:65536\nx:\n@x\n-l@x\na_$(reboot)\n[::1"),
      [
        '2:3 error "a b" is no host',
        '3:1 error "-oproxycommand=x" is no name or address of a host',
        '4:1 error "0" is no port',
        '5:1 error "65536" is no port',
        '6:1 error "" is no port',
        '7:1 error "@x" is no name or address of a host',
        '8:1 error "-l" is no name of a user',
        '9:1 error "a_$(reboot)" is no name or address of a host',
        '10:1 error "[::1" is no host',
      ],
    );
    assert.strictEqual(readSeedFile("seeds.txt", "good\n???").addresses.length, 1);
  });

  it("tells addresses of IPv6 from names with ports", () => {
    const hostOf = (text: string) => {
      const read = readSeed(text);
      return "address" in read ? formatAddress(read.address) : null;
    };
    const good = ["::", "::1", "fe80::1%eth0", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1", "u@[1::2]:22"];
    assert.deepStrictEqual(good.map(hostOf), good);
    const bad = ["1:2:3", "1::2::3", "1:2:3:4:5:6:7:8:9", "::12345", "::.", "[::1", "::1]", ":::"];
    assert.deepStrictEqual(
      bad.map(hostOf),
      bad.map(() => null),
    );
  });

  it("shows no control character of the file", () => {
    assert.deepStrictEqual(faultsOf("a\u{1B}[2J"), ['1:1 error "a\\u{1b}[2J" is no host']);
  });

  const characters = [..."aB1-_.@:[]# \n\r\t$%", "::", "x:22", "\u{1B}", "é"] as const;

  it.prop(
    "never throws, and what it reads it spells so that it reads the same",
    [Schema.Array(Schema.Literals(characters))],
    ([parts]) => {
      for (const address of readSeedFile("seeds.txt", parts.join("")).addresses) {
        assert.deepStrictEqual(readSeed(formatAddress(address)), { address });
      }
    },
    { arbitrary: { runs: 2_000 } },
  );
});
