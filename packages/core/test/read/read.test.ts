// Every fault that a document can have, with its place, and what never counts as one.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Kind } from "../../src/words/kind.ts";
import {
  readDocuments,
  rule,
  withRules,
  checkRules,
  type ReadLimits,
} from "../../src/read/read.ts";

const Spec = Schema.Struct({
  size: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
  ratio: Schema.optionalKey(Schema.Finite),
  colour: Schema.Literals(["red", "blue"]).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed("red" as const)),
  ),
  labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  parts: Schema.optionalKey(
    Schema.Array(Schema.Struct({ name: Schema.String, on: Schema.optionalKey(Schema.Boolean) })),
  ),
});
type Spec = typeof Spec.Type;

const rules = [
  rule<Spec>()(["size", "colour"], ({ size, colour }) =>
    colour === "blue" && size === 0
      ? [{ path: ["spec", "size"], summary: "blue needs a size", hint: "raise it" }]
      : [],
  ),
];

const kind = (name: string, apiVersionOptional: boolean): Kind<Spec> => ({
  name,
  about: "A thing for tests.",
  apiVersionOptional,
  spec: withRules(Spec, rules),
  check: ({ spec }) => checkRules(rules, spec),
  expand: () => {
    throw new Error("reading never expands");
  },
});
const kinds = [kind("Box", true), kind("Strict", false)];

const read = (text: string, limits: Partial<ReadLimits> = {}, file = "a.yaml") =>
  readDocuments(kinds, [{ file, text }], limits);

/** `line:column summary | hint` of every diagnostic. */
const told = (text: string, limits: Partial<ReadLimits> = {}, file = "a.yaml") =>
  read(text, limits, file).diagnostics.map(
    ({ line, column, summary, hint }) =>
      `${line}:${column} ${summary}${hint === undefined ? "" : ` | ${hint}`}`,
  );

const box = (spec: string, name = "one") =>
  `kind: Box\nmetadata:\n  name: ${name}\nspec:\n${spec.replace(/^/gmu, "  ")}\n`;

describe("what is accepted", () => {
  it("decodes, fills in defaults and places the document", () => {
    const { documents, diagnostics } = read(`# a comment\n---\n${box("size: 3")}`);
    expect(diagnostics).toEqual([]);
    expect(documents).toEqual([
      {
        kind: "Box",
        name: "one",
        spec: { size: 3, colour: "red" },
        inputDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/u),
        place: { file: "a.yaml", line: 3, column: 1 },
      },
    ]);
  });

  it("sorts by kind and name, and skips empty documents", () => {
    const strict = `apiVersion: fleet.v1\n${box("size: 1", "a").replace("Box", "Strict")}`;
    const text = `---\n# nothing\n---\n${strict}---\n${box("size: 1", "b")}---\n${box("size: 1", "a")}---\n`;
    const { documents, diagnostics } = read(text);
    expect(diagnostics).toEqual([]);
    expect(documents.map(({ kind, name }) => `${kind}/${name}`)).toEqual([
      "Box/a",
      "Box/b",
      "Strict/a",
    ]);
  });

  it("keeps YAML 1.2 words as text: no, on, 0o7 and 2001-01-01 are not special", () => {
    const text = box("size: 1\nlabels: { a: no, b: on, c: 2001-01-01, 1: x }");
    expect(read(`%YAML 1.1\n---\n${text}`).documents[0]?.spec).toMatchObject({
      labels: { a: "no", b: "on", c: "2001-01-01", "1": "x" },
    });
  });

  it("takes JSON: one document, or an array of them", () => {
    const one = { kind: "Box", metadata: { name: "one" }, spec: { size: 1 } };
    const two = { ...one, metadata: { name: "two" } };
    const json = JSON.stringify([one, two], null, "\t");
    expect(read(json, {}, "a.json").documents.map(({ name }) => name)).toEqual(["one", "two"]);
    expect(read(JSON.stringify(one), {}, "a.json").documents).toHaveLength(1);
    expect(read(" \n", {}, "a.json")).toEqual({ documents: [], diagnostics: [] });
  });

  it("gives the same digest whatever the order, layout, comments, file or defaults", () => {
    const digest = (text: string, file = "a.yaml") => {
      const { documents, diagnostics } = read(text, {}, file);
      expect(diagnostics).toEqual([]);
      return documents[0]!.inputDigest;
    };
    const plain = digest(box("size: 3\nlabels:\n  a: x\n  b: y"));
    expect(
      digest("spec: {labels: {b: y, a: 'x'}, size: 3} # c\nmetadata: {name: one}\nkind: Box"),
    ).toBe(plain);
    expect(digest(box("size: 3\ncolour: red\nlabels: {a: x, b: y}").replaceAll("\n", "\r\n"))).toBe(
      plain,
    );
    expect(digest(`\u{feff}apiVersion: fleet.v1\n${box("size: 3\nlabels: {a: x, b: y}")}`)).toBe(
      plain,
    );
    const json =
      '{"spec":{"size":3,"labels":{"b":"y","a":"x"}},"kind":"Box","metadata":{"name":"one"}}';
    expect(digest(json, "b.json")).toBe(plain);
    expect(digest(box("size: 4\nlabels: {a: x, b: y}"))).not.toBe(plain);
    expect(
      digest(
        box("size: 3\nlabels: {a: x, b: y}").replace("name: one", "name: one\n  previousName: p"),
      ),
    ).not.toBe(plain);
  });

  it("lets aliases stand for values, and points at the anchor when that is wrong", () => {
    const text = box("size: 1\nlabels: &l {a: x}\nparts:\n  - &p {name: b, on: yes}\n  - *p");
    expect(told(text)).toEqual([
      '8:24 "on" must be true or false, but is the text "yes"',
      '8:24 "on" must be true or false, but is the text "yes"',
    ]);
    expect(told(text.replace(", on: yes", ""))).toEqual([]);
  });
});

describe("faults of the header", () => {
  const rest = "metadata: {name: one}\nspec: {size: 1}\n";
  it.each([
    [
      "[1]",
      '1:1 a document must be a map of fields, but is a list | in YAML, put "---" between several documents',
    ],
    [
      "text",
      '1:1 a document must be a map of fields, but is the text "text" | it begins with "kind:"',
    ],
    [rest, '1:1 missing field "kind" | the kinds are: Box, Strict'],
    [`kind: Bx\n${rest}`, '1:7 unknown kind "Bx" | did you mean "Box"?'],
    [`kind: Rollout\n${rest}`, '1:7 unknown kind "Rollout" | the kinds are: Box, Strict'],
    [`kind: 5\n${rest}`, '1:7 "kind" must be text, but is the number 5'],
    [`kind: Strict\n${rest}`, '1:1 missing field "apiVersion" | write "apiVersion: fleet.v1"'],
    [
      `apiVersion: v1\nkind: Box\n${rest}`,
      '1:13 "apiVersion" must be "fleet.v1", but is the text "v1" | write "apiVersion: fleet.v1"',
    ],
    [
      "kind: Box\nspec: {size: 1}",
      '1:1 missing field "metadata" | add "metadata:" with a "name:" in it',
    ],
    [
      "kind: Box\nmetadata: x\nspec: {size: 1}",
      '2:11 "metadata" must be a map of fields, but is the text "x"',
    ],
    ["kind: Box\nmetadata: {}\nspec: {size: 1}", '2:1 missing field "name" | add it to $.metadata'],
    [
      "kind: Box\nmetadata: {name: 5}\nspec: {size: 1}",
      '2:18 "name" must be text, but is the number 5',
    ],
    [
      "kind: Box\nmetadata: {name: A_b}\nspec: {size: 1}",
      '2:18 "name" must be 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends, but is the text "A_b" | such as "a-b"',
    ],
    [
      "kind: Box\nmetadata: {name: a, nmae: b}\nspec: {size: 1}",
      '2:21 unknown field "nmae" | did you mean "name"?',
    ],
    [
      "kind: Box\nmetadata: {name: a, previousName: a}\nspec: {size: 1}",
      '2:35 previousName "a" is the document\'s own name | leave it out, or write the name that the document had before',
    ],
    ["kind: Box\nmetadata: {name: a}", '1:1 missing field "spec" | add it to the document'],
    ["kind: Box\nmetadata: {name: a}\nspec:", '3:1 "spec" must be a map of fields, but is empty'],
    [
      `kind: Box\nstatus: {}\n${rest}`,
      '2:1 unknown field "status" | the fields here are: apiVersion, kind, metadata, spec',
    ],
  ])("%j", (text, expected) => {
    expect(told(text)).toEqual([expected]);
  });

  it("names up to 63 characters are names, longer ones are not", () => {
    expect(told(box("size: 1", "a".repeat(63)))).toEqual([]);
    expect(told(box("size: 1", "a".repeat(64)))).toHaveLength(1);
    expect(told(box("size: 1", "web-3.2"))).toHaveLength(1);
    expect(told(box("size: 1", "-a"))).toHaveLength(1);
  });
});

describe("faults of the spec", () => {
  it.each([
    ["siz: 1\nsize: 1", '5:3 unknown field "siz" | did you mean "size"?'],
    ["colour: blue", '4:1 missing field "size" | add it to $.spec'],
    [
      'size: "5"',
      '5:9 "size" must be a value between 0 and 9, but is the text "5" | write 5 without quotes',
    ],
    ["size: 1.5", '5:9 "size" must be a whole number, but is the number 1.5'],
    ["size: 10", '5:9 "size" must be a value between 0 and 9, but is the number 10'],
    ["size: .nan", "5:9 .nan is not a finite number"],
    ["size: 1\nratio: -.inf", "6:10 -.inf is not a finite number"],
    ["size: 1\nratio: 1e999", "6:10 1e999 is not a finite number"],
    ["size:", '5:3 "size" must be a value between 0 and 9, but is empty'],
    [
      "size: 1\ncolour: green",
      '6:11 "colour" must be one of "red", "blue", but is the text "green"',
    ],
    ["size: 1\nlabels: {a: 5}", '6:15 "a" must be text, but is the number 5 | write "5" in quotes'],
    ["size: 1\nlabels: [a]", '6:11 "labels" must be a map of fields, but is a list'],
    ["size: 1\nparts: {a: b}", '6:10 "parts" must be a list, but is a map of fields'],
    ["size: 1\nparts:\n- {on: true}", '7:5 missing field "name" | add it to $.spec.parts[0]'],
    ["size: 1\nparts:\n- x", '7:5 "parts[0]" must be a map of fields, but is the text "x"'],
    ["size: 1\nsize: 2", '6:3 field "size" is written twice in one map | remove one of them'],
    ["size: 1\n__proto__: {a: 1}", '6:3 unknown field "__proto__"'],
    ["size: 1\nlabels: {__proto__: x}", '6:12 unknown field "__proto__"'],
    [
      "size: 1\nconstructor: x",
      '6:3 unknown field "constructor" | the fields here are: colour, labels, parts, ratio, size',
    ],
    [
      "size: 1\n<<: {ratio: 1}",
      '6:3 unknown field "<<" | merge keys are YAML 1.1; write the fields out, or alias a whole value',
    ],
    [
      "size: 1\n? [a]\n: b",
      "6:5 a field's name must be text | lists, maps and aliases cannot name a field",
    ],
    ["size: *x", '5:9 the alias "*x" has no anchor before it'],
    ["size: 1\nlabels: &a {x: *a}", '6:18 the alias "*a" stands within its own anchor'],
    ["size: 0\ncolour: blue", "5:9 blue needs a size | raise it"],
  ])("%j", (spec, expected) => {
    expect(told(box(spec))).toEqual([expected]);
    expect(read(box(spec)).documents).toEqual([]);
  });

  it("tells eight faults as eight, rules between sound fields among them", () => {
    const text =
      "apiVersion: v2\nkind: Box\nmetadata:\n  name: One\n  labels: {}\nextra: 1\nspec:\n" +
      "  size: 0\n  colour: blue\n  ratoi: 1\n  labels: {a: 1}\n  parts: [{on: 5, name: x}]\n";
    expect(told(text)).toHaveLength(8);
    expect(told(text)[4]).toContain("8:9 blue needs a size");
  });

  it("counts columns in UTF-16 code units, and knows CRLF", () => {
    expect(
      told('kind: Box\r\nmetadata: {name: a}\r\nspec: {labels: {"😀": 5}, size: 1}\r\n'),
    ).toEqual(['3:23 "😀" must be text, but is the number 5 | write "5" in quotes']);
    expect(told(`\u{feff}kid: Box`)[0]).toMatch(/^1:1 missing field "kind"/u);
  });

  it("shows text from outside escaped and cut", () => {
    const [diagnostic] = read(box(`size: "\\e[31m\\u202e${"x".repeat(200)}"`)).diagnostics;
    expect(diagnostic!.summary).toContain('"\\u{1b}[31m\\u{202e}xxx');
    expect(diagnostic!.summary.length).toBeLessThan(180);
    expect(read(box(`"a b\\n": 1\nsize: 1`)).diagnostics[0]!.path).toBe('$.spec["a b\\u{a}"]');
  });
});

describe("faults of the text", () => {
  it("says of tabs what YAML wants", () => {
    expect(told("kind: Box\n\tspec: 1\n")).toEqual([
      "2:1 tabs are not allowed as indentation | YAML indents with spaces",
    ]);
  });

  it("goes on with the next document after a broken one", () => {
    const { documents, diagnostics } = read(
      `a: [\n---\n${box("size: 1")}---\n${box("size: x", "b")}`,
    );
    expect(documents.map(({ name }) => name)).toEqual(["one"]);
    expect(diagnostics.map(({ line }) => line)).toEqual([2, 13]);
  });

  it("warns of a tag and reads on", () => {
    const { documents, diagnostics } = read(box("size: 1\nlabels: {a: !secret x}"));
    expect(diagnostics).toMatchObject([
      { severity: "warning", line: 6, hint: "leave the tag out" },
    ]);
    expect(documents).toHaveLength(1);
  });

  it.each([
    [
      '{"a": 1, // c\n}',
      [
        '1:8 a comma before "}" | JSON allows no trailing comma',
        "1:10 JSON has no comments | remove it, or name the file .yaml",
      ],
    ],
    ['{"a": 1 "b": 2}', ['1:9 a comma is missing here | put "," before it']],
    ["{'a': 1}", ["1:2 a field's name must stand in double quotes"]],
    ['{"a" 1}', ['1:6 a colon must follow the field\'s name "a"']],
    [
      '{"a": NaN, "b": 01}',
      [
        '1:7 "NaN" is no JSON value | put text in double quotes; the words of JSON are true, false and null',
        '1:17 "01" is no JSON value | JSON numbers look like 12, -3, 0.5 or 1e6',
      ],
    ],
    ['{"a": [1', ['1:7 "[" is never closed | add "]"']],
    ['{"a": "x\n"}', ['1:7 the text is never closed | add "\\"" at its end, on the same line']],
    [
      '{"a": "\\x"}',
      [
        "1:7 the text has an escape or a character that JSON does not allow | write control characters as \\n, \\t or \\u0000, and a backslash as \\\\",
      ],
    ],
    ['{"a":}', ["1:6 a value expected here"]],
    ['{"a": ', ["1:7 a value is missing at the end"]],
    ["{} {}", ["1:4 text after the end of the document | several documents go in one array"]],
  ])("JSON %j", (text, expected) => {
    expect(told(text, {}, "a.json")).toEqual(expected);
  });

  it("finds the place of faults in JSON", () => {
    const text =
      '[{"kind": "Box", "metadata": {"name": "a"},\n "spec": {"size": 1, "size": true}}]';
    expect(told(text, {}, "a.json")).toEqual([
      '2:22 field "size" is written twice in one map | remove one of them',
    ]);
  });
});

describe("names that two documents claim", () => {
  const one = { file: "a.yaml", text: box("size: 1") };
  const previous = (name: string) =>
    box("size: 1", name).replace(`${name}\n`, `${name}\n  previousName: old\n`);

  it("refuses the same kind and name twice, whichever file comes first, even if one is faulty", () => {
    const two = { file: "b.yaml", text: `# x\n${box("size: wrong")}` };
    for (const sources of [
      [one, two],
      [two, one],
    ]) {
      const { documents, diagnostics } = readDocuments(kinds, sources);
      expect(documents).toEqual([]);
      expect(diagnostics).toMatchObject([
        {
          file: "b.yaml",
          line: 4,
          column: 9,
          summary: 'Box "one" is already defined at a.yaml:3:9',
          hint: "rename one of the two, or remove it",
        },
        { file: "b.yaml", line: 6 },
      ]);
    }
  });

  it("refuses a previous name that lives, or that two claim", () => {
    const alive = read(`${previous("new")}---\n${box("size: 1", "old")}`);
    expect(alive.diagnostics).toMatchObject([
      {
        line: 4,
        column: 17,
        summary: 'previousName "old" is a document of its own at a.yaml:10:9',
      },
    ]);
    expect(alive.documents.map(({ name }) => name)).toEqual(["old"]);
    const taken = read(`${previous("b")}---\n${previous("a")}`);
    expect(taken.diagnostics).toMatchObject([
      { line: 11, column: 17, summary: 'previousName "old" is already claimed at a.yaml:4:17' },
    ]);
    expect(taken.documents).toEqual([]);
    expect(read(previous("a")).documents[0]?.previousName).toBe("old");
  });
});

describe("limits", () => {
  it("defuses alias bombs", () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `  l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`,
    );
    const text = `kind: Box\nmetadata: {name: a}\nspec:\n  l0: &l0 [x]\n${levels.join("\n")}\n`;
    const start = performance.now();
    const faults = told(text);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(faults.some((fault) => fault.includes("aliases add more than 10000 values"))).toBe(true);
  });

  it("counts the depth that aliases add", () => {
    const chain = Array.from({ length: 40 }, (_, i) => `- &a${i + 1} [[*a${i}]]`).join("\n");
    expect(told(`- &a0 [x]\n${chain}\n`).some((fault) => fault.includes("by the alias"))).toBe(
      true,
    );
  });

  it.each([["a.yaml"], ["a.json"]])("refuses deep nesting in %s without a crash", (file) => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(told(deep, {}, file)).toEqual([
      expect.stringMatching(/^1:6\d nested more than 64 levels deep/u),
    ]);
    expect(told(`${"[".repeat(64)}${"]".repeat(64)}`, {}, file).join()).not.toContain("nested");
  });

  it("refuses large files, many files, many documents", () => {
    expect(told("x".repeat(1_048_577))[0]).toContain(
      "the file has 1048577 bytes, more than the 1 MiB",
    );
    const sources = ["a", "b", "c"].map((name) => ({
      file: `${name}.yaml`,
      text: box("size: 1", name),
    }));
    const size = sources[0]!.text.length;
    const small = readDocuments(kinds, sources, { totalSize: size * 2 });
    expect(small.diagnostics).toMatchObject([
      { file: "c.yaml", summary: expect.stringContaining("all files together") },
    ]);
    const backwards = readDocuments(kinds, sources.toReversed(), { totalSize: size * 2 });
    expect(backwards).toEqual(small);
    const few = readDocuments(kinds, sources, { documents: 2 });
    expect(few.diagnostics).toMatchObject([
      { file: "c.yaml", summary: "not read: there are 2 documents already" },
    ]);
    const many = sources.map(({ text }) => text).join("---\n");
    expect(told(many, { documentsPerFile: 2 })).toEqual([
      "1:1 more than 2 documents in one file | split it into several files",
    ]);
    expect(told(many, { documentsPerFile: 3 })).toEqual([]);
  });

  it("keeps the number of faults, and the work for them, within bounds", () => {
    const unknown = Array.from({ length: 2000 }, (_, i) => `k${i}: 1`).join("\n");
    const faults = told(box(`size: 1\n${unknown}`));
    expect(faults).toHaveLength(1001);
    expect(faults.at(-1)).toContain("more than 1000 faults in this file; the rest is not shown");
    const start = performance.now();
    expect(told("}".repeat(300_000))).toHaveLength(1001);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it("calls no document sound once errors were dropped", () => {
    expect(
      read(`a: [${",".repeat(2000)}]\n---\n${box("size: 1\nlabels: {a: x")}`).documents,
    ).toEqual([]);
  });
});
