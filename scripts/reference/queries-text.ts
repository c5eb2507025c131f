// Decides how the language of queries stands in docs/reference/queries.md: asked of what reads and answers them.

import * as Result from "effect/Result";
import { hostFields } from "@muster/core/query/host-fields";
import { makeJudge } from "@muster/core/query/judge";
import { parseQuery } from "@muster/core/query/parse";
import type { Row } from "@muster/core/query/row";
import type { FieldType } from "@muster/core/query/tree";
import type { Field, Vocabulary } from "@muster/core/query/vocabulary";
import { typeName } from "@muster/core/query/vocabulary";
import { code, prose, row } from "./markdown.ts";

/** What each field says; one that is not here, or that no query names, is a fault of this page. */
const meanings: Readonly<Record<string, string>> = {
  host: "the name of the host, as its seed spells it",
  ip: "the addresses that its name has; none is known of a host behind another one",
  os: "the system that it runs; `other` is none of the three",
  role: "the role that it gives itself, from `/etc/puppet_role`",
  expected_role: "the role that is expected of it",
  population: "the population that it is assigned to",
  sshable: "whether the last contact ended with an answer",
  sudoable: "whether root can be had without a password",
  override_present: "whether `/etc/puppet/ronin_settings` is there",
  override_sha: "the SHA-256 of the override, in hex",
  override_branch: "what the override sets `PUPPET_BRANCH` to",
  drift: "where it differs from what is expected; each sort may be unknown by itself",
  disabled:
    "whether a person said to leave it alone; unless a query names it, such hosts are left out",
  discovered_at: "when it came on the roll",
  last_seen: "when it last answered",
  "tc.pool": "the worker pool in Taskcluster, `PROVISIONER/WORKERTYPE`",
  "tc.worker": "the name of the worker in Taskcluster",
  "tc.online":
    "whether the worker was active lately (`hosts.drift.workerSeconds`, two hours by default)",
  "tc.quarantined": "whether the worker is quarantined",
  "tc.last_active": "when the worker was last active",
  "puppet.success": "whether the last run of Puppet succeeded",
  "puppet.sha": "the commit that it applied",
  "puppet.override_sha": "the SHA-256 of the override that it applied",
  "puppet.last_run": "when it was",
  rollout: "the rollout that the host is part of; none yet",
  stage: "the stage of it, from 1; none yet",
};

/** The queries of the specification, word for word, and others that people ask. */
export const examples: ReadonlyArray<readonly [query: string, what: string]> = [
  ["expected_role:null", "who is not assigned yet"],
  ["role:gecko_t_linux_talos AND expected_role:null", "of those, who has this role"],
  ["expected_role:gecko_t_linux_talos", "who is expected to have it"],
  ["drift:override", "as `--drift-type override`"],
  ["drift:tc-missing", "as `--drift-type tc-missing`"],
  ["drift:any", "as `--drift-type any`"],
  ["last_seen:>24h sort:last_seen", "who was silent for a day, the longest first"],
  ["host:t-linux64-* -sshable:true", "of these names, who cannot be reached"],
  ["os:(linux, macos) AND NOT (population:* OR disabled:true)", "who could be assigned"],
  ["role:unknown OR drift:unknown", "of whom too little is known"],
  ["label.rack:3 override_branch~feature", "what stands in a rack with such a branch"],
  ["puppet.last_run:[2026-05-01T00:00:00Z TO 2026-05-02T00:00:00Z]", "who ran on that day"],
];

export const queriesText = (): string =>
  [
    "## Fields",
    fieldTable(hostFields),
    "`drift:any` is each sort of drift. Who asks for `drift:disabled-active` means disabled hosts, too.",
    "## What can be asked of a field",
    askedTable(),
    "## What is unknown",
    truthTable(),
    "## Examples",
    table(
      ["query", "finds"],
      examples.map(([query, what]) => {
        Result.getOrThrow(parseQuery(query, hostFields));
        return [code(query), prose(what)];
      }),
    ),
    "## What is wrong with a query",
    faultTable(),
  ].join("\n\n");

const table = (
  heading: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
): string => [row(heading), row(heading.map(() => "---")), ...rows.map(row)].join("\n");

const fieldTable = ({ fields, open }: Vocabulary): string => {
  const left = Object.keys(meanings).filter((name) => !Object.hasOwn(fields, name));
  if (left.length > 0) throw new Error(`there is no field ${left.join(", ")} any more`);
  const named = Object.entries(fields).map(([name, spec]) => {
    const meaning = meanings[name];
    if (meaning === undefined) throw new Error(`say in ${import.meta.filename} what ${name} is`);
    return [code(name), valuesOf({ ...spec, name }), prose(meaning)];
  });
  const opened = open.map((first) => [
    code(`${first}.KEY`),
    "text",
    prose("the value of a label that a person gave it (`host label`)"),
  ]);
  return table(["field", "values", "says"], [...named, ...opened]);
};

const valuesOf = (field: Field): string => {
  if (field.type === "enum") return field.values.map(code).join(", ");
  if (field.type === "enum-list") return `any of ${field.values.map(code).join(", ")}`;
  return typeName(field);
};

/** How something is asked, with a value of each type where there is one. */
const questions: ReadonlyArray<
  readonly [
    written: ReadonlyArray<string>,
    what: string,
    ask: (name: string, value: Readonly<Record<FieldType, string>>) => string,
  ]
> = [
  [["F:VALUE", "F=VALUE"], "is this, or holds it; `*` any text and `?` one character", plain(":")],
  [["F!=VALUE"], "is not", plain("!=")],
  [["F:(A, B)"], "is one of these; also `A | B` and `A OR B`", listed],
  [["F~TEXT"], "holds the text somewhere", (name, value) => `${name}~${value.text}`],
  [["F!~TEXT"], "does not", (name, value) => `${name}!~${value.text}`],
  [["F>VALUE", "F:>=VALUE", "F<VALUE"], "lies so", plain(">")],
  [["F:[A TO B]"], "lies between, both ends counted", ranged],
  [["F:>24h", "age(F) > 24h"], "is so old; `s`, `m`, `h`, `d`, `w`, also `1d12h`", aged],
  [["F:null"], 'is known to have no value; the text is "null"', (name) => `${name}:null`],
  [["F:*"], "has a value", (name) => `${name}:*`],
  [["F:unknown"], "was never seen", (name) => `${name}:unknown`],
  [["sort:F", "sort:F:desc"], "in this order, at the end of the query", (name) => `sort:${name}`],
];

type Ask = (typeof questions)[number][2];

function plain(operator: string): Ask {
  return (name, value) => `${name}${operator}${value[typeOf(name)]}`;
}

function listed(name: string, value: Readonly<Record<FieldType, string>>): string {
  return `${name}:(${value[typeOf(name)]}, ${value[typeOf(name)]})`;
}

function ranged(name: string, value: Readonly<Record<FieldType, string>>): string {
  return `${name}:[${value[typeOf(name)]} TO ${value[typeOf(name)]}]`;
}

function aged(name: string): string {
  return `age(${name}) > 24h`;
}

/** A value that a field of this type may have; of texts one that is a value of enums, too. */
const values: Readonly<Record<FieldType, string>> = {
  text: "role",
  enum: "role",
  boolean: "true",
  number: "5",
  time: "2026-05-01T00:00:00Z",
  list: "role",
  "enum-list": "role",
};

const types: ReadonlyArray<FieldType> = [
  "text",
  "list",
  "enum",
  "enum-list",
  "boolean",
  "number",
  "time",
];

/** One field of each type, called as the type is. */
const vocabulary: Vocabulary = {
  fields: Object.fromEntries(
    types.map((type) => [
      type,
      type === "enum" || type === "enum-list" ? { type, values: ["role"] } : { type },
    ]),
  ),
  open: [],
};

const typeOf = (name: string): FieldType => name as FieldType;

const shortNames: Readonly<Record<FieldType, string>> = {
  text: "text",
  list: "list",
  enum: "words",
  "enum-list": "list of words",
  boolean: "true or false",
  number: "number",
  time: "time",
};

const askedTable = (): string =>
  table(
    ["written", "asks whether it", ...types.map((type) => shortNames[type])],
    questions.map(([written, what, ask]) => [
      written.map(code).join(" "),
      prose(what),
      ...types.map((type) =>
        Result.isSuccess(parseQuery(ask(type, values), vocabulary)) ? "yes" : "–",
      ),
    ]),
  );

const truths: Readonly<Record<string, string>> = {
  true: "matches",
  false: "no",
  unknown: "unknown",
};

const roles: ReadonlyArray<readonly [what: string, seen: Row]> = [
  ["seen to be `x`", { role: "x" }],
  ["seen to be `y`", { role: "y" }],
  ["seen to be none", { role: null }],
  ["never seen", {}],
];

const drifts: ReadonlyArray<readonly [what: string, seen: Row]> = [
  ["`role` drifts, and nothing else", { drift: { known: ["role"], unknown: [] } }],
  [
    "`role` drifts, `override` cannot be told",
    { drift: { known: ["role"], unknown: ["override"] } },
  ],
  ["nothing drifts, `override` cannot be told", { drift: { known: [], unknown: ["override"] } }],
  ["nothing drifts", { drift: { known: [], unknown: [] } }],
];

const answersTo = (
  queries: ReadonlyArray<string>,
  rows: ReadonlyArray<readonly [what: string, seen: Row]>,
): string =>
  table(
    ["", ...queries.map(code)],
    rows.map(([what, seen]) => [
      prose(what),
      ...queries.map((text) => {
        const query = Result.getOrThrow(parseQuery(text, hostFields));
        return truths[String(makeJudge(query, 0)(seen))]!;
      }),
    ]),
  );

const truthTable = (): string =>
  [
    "What was never seen is unknown. A comparison with it is unknown, and so is its negation; only what is known to be so matches. `AND` with something false is false and `OR` with something true is true, whatever the rest is.",
    answersTo(["role:x", "NOT role:x", "role:null", "role:*", "role:unknown"], roles),
    answersTo(
      ["drift:override", "NOT drift:override", "drift:any", "drift:null", "drift:unknown"],
      drifts,
    ),
  ].join("\n\n");

/** Slips that people make, each with another fault. */
const slips: ReadonlyArray<string> = [
  "rolle:x",
  "role:",
  "role: x",
  "sshable:yes",
  "drift:overide",
  "role>5",
  "last_seen:24h",
  "role:a and os:linux",
  "(role:a",
  "stage:[5 TO 1]",
  "sort:drift",
];

const faultTable = (): string =>
  table(
    ["query", "column", "what is said", "what to do"],
    slips.map((text) => {
      const read = parseQuery(text, hostFields);
      if (Result.isSuccess(read)) throw new Error(`${text} is no slip`);
      const { at, summary, hint } = read.failure[0]!;
      return [code(text), String(at.column), prose(summary), prose(hint ?? "")];
    }),
  );
