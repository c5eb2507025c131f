// Decides how what a schema refuses is told to the person who wrote it.

import type * as SchemaAST from "effect/SchemaAST";
import type * as SchemaIssue from "effect/SchemaIssue";
import type { Json } from "../words/json.ts";
import { quote } from "../words/quote.ts";
import { formatPath, nameOf, type DocumentFault, type Path } from "./fault.ts";
import { nearest, suggestion } from "./suggest.ts";

/**
 * The faults of one decoding, each told once. `base` is where the schema's value stands in the
 * document, `value` what was decoded there.
 *
 * A schema may help with annotations: `expected` (a noun, after "must be"), and `hint`.
 */
export const schemaFaults = (
  issue: SchemaIssue.Issue,
  base: Path,
  value: Json,
): ReadonlyArray<DocumentFault> => {
  const seen = new Set<string>();
  return leavesOf(issue, [], {}).flatMap((leaf) => {
    const path = leaf.path;
    const key = formatPath(path);
    if (seen.has(key)) return [];
    seen.add(key);
    return [faultOf({ ...leaf, path: [...base, ...path] }, valueAt(value, path))];
  });
};

/** A check that failed, when one did: its annotations say more than the type's. */
interface Leaf {
  readonly path: Path;
  readonly issue: SchemaIssue.Leaf | SchemaIssue.AnyOf;
  readonly check?: SchemaIssue.Filter["filter"];
}

const leavesOf = (
  issue: SchemaIssue.Issue,
  path: Path,
  around: Pick<Leaf, "check">,
): ReadonlyArray<Leaf> => {
  switch (issue._tag) {
    case "Pointer":
      return leavesOf(issue.issue, [...path, ...(issue.path as Path)], around);
    case "Filter":
      return leavesOf(issue.issue, path, { check: issue.filter });
    case "Encoding":
      return leavesOf(issue.issue, path, around);
    case "Composite":
      return issue.issues.flatMap((inner) => leavesOf(inner, path, around));
    case "AnyOf":
      return alternativeOf(issue, path) ?? [{ path, issue }];
    default:
      return [{ path, issue, ...around }];
  }
};

/** The alternative that came nearest: the one with the fewest faults, if it was entered at all. */
const alternativeOf = (issue: SchemaIssue.AnyOf, path: Path): ReadonlyArray<Leaf> | undefined => {
  const entered = issue.issues
    .map((inner) => leavesOf(inner, path, {}))
    .filter((leaves) => leaves.some((leaf) => leaf.path.length > path.length || leaf.check));
  return entered.toSorted((a, b) => a.length - b.length)[0];
};

const faultOf = (leaf: Leaf, found: Json | undefined): DocumentFault => {
  const { path, issue, check } = leaf;
  switch (issue._tag) {
    case "MissingKey":
      return missingField(path, textOf(issue.annotations, "hint"));
    case "UnexpectedKey":
      return unknownField(path, fieldNames(issue.ast));
    case "InvalidType":
    case "AnyOf":
    case "OneOf":
      return wrongType(path, expectedOf(issue.ast), found, hintOf(issue.ast, found));
    case "InvalidValue":
    case "Forbidden":
      return wrongValue(path, issue, check, found);
  }
};

export const missingField = (path: Path, hint?: string): DocumentFault => ({
  path,
  on: "value",
  summary: `missing field ${quote(String(path.at(-1)))}`,
  hint: hint ?? `add it to ${path.length > 1 ? formatPath(path.slice(0, -1)) : "the document"}`,
});

export const unknownField = (path: Path, known: ReadonlyArray<string>): DocumentFault => {
  const name = String(path.at(-1));
  const hint = suggestion(name, known, "the fields here are");
  return {
    path,
    on: "key",
    summary: `unknown field ${quote(name)}`,
    ...(hint === undefined ? {} : { hint }),
  };
};

export const wrongType = (
  path: Path,
  expected: string,
  found: Json | undefined,
  hint?: string,
): DocumentFault => {
  return {
    path,
    on: "value",
    summary: `${nameOf(path)} must be ${expected}, but is ${describe(found)}`,
    ...(hint === undefined ? {} : { hint }),
  };
};

const wrongValue = (
  path: Path,
  issue: SchemaIssue.InvalidValue | SchemaIssue.Forbidden,
  check: Leaf["check"],
  found: Json | undefined,
): DocumentFault => {
  const hint = textOf(issue.annotations, "hint") ?? textOf(check?.annotations, "hint");
  const told = textOf(issue.annotations, "message") ?? textOf(check?.annotations, "message");
  if (told === undefined) {
    const expected =
      textOf(issue.annotations, "expected") ??
      plainExpected(textOf(check?.annotations, "expected")) ??
      "a valid value";
    return wrongType(path, expected, found, hint);
  }
  return { path, on: "value", summary: told, ...(hint === undefined ? {} : { hint }) };
};

/** What stands there, for a sentence: `the text "x"`, `the number 5`, `empty`, `a list`. */
export const describe = (found: Json | undefined): string => {
  if (found === null || found === undefined) return "empty";
  if (typeof found === "string") return `the text ${quote(found)}`;
  if (typeof found === "number") return `the number ${found}`;
  if (typeof found === "boolean") return String(found);
  return Array.isArray(found) ? "a list" : "a map of fields";
};

const expectedOf = (ast: SchemaAST.AST): string => {
  const own = textOf(ast.annotations, "expected") ?? expectedByChecks(ast);
  if (own !== undefined) return own;
  switch (ast._tag) {
    case "String":
      return "text";
    case "Number":
      return "a number";
    case "Boolean":
      return "true or false";
    case "Null":
      return "null";
    case "Literal":
      return typeof ast.literal === "string" ? quote(ast.literal) : String(ast.literal);
    case "Arrays":
      return "a list";
    case "Objects":
      return "a map of fields";
    case "Union":
      return expectedOneOf(ast);
    default:
      return "another sort of value";
  }
};

const expectedOneOf = (ast: SchemaAST.Union): string => {
  const words = [...new Set(ast.types.map(expectedOf))];
  const literal = ast.types.every((member) => member._tag === "Literal");
  return literal && words.length > 1 ? `one of ${words.join(", ")}` : words.join(" or ");
};

/** The narrowest check of a text or number says what its type does, and more. */
const expectedByChecks = (ast: SchemaAST.AST): string | undefined => {
  if (ast._tag !== "String" && ast._tag !== "Number") return undefined;
  const told = ast.checks?.map((check) => plainExpected(textOf(check.annotations, "expected")));
  return told?.findLast((expected) => expected !== undefined);
};

/** Some of the library's words are for programmers. */
const plainExpected = (expected: string | undefined): string | undefined =>
  expected === "an integer"
    ? "a whole number"
    : expected === "a finite number"
      ? "a number"
      : expected;

const fieldNames = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  ast._tag === "Objects" ? ast.propertySignatures.map((field) => String(field.name)) : [];

const hintOf = (ast: SchemaAST.AST, found: Json | undefined): string | undefined =>
  nearestLiteral(ast, found) ??
  textOf(ast.annotations, "hint") ??
  ast.checks?.map((check) => textOf(check.annotations, "hint")).findLast((hint) => hint) ??
  quotesHint(ast, found);

/** The word of a closed list that was probably meant. */
const nearestLiteral = (ast: SchemaAST.AST, found: Json | undefined): string | undefined => {
  if (ast._tag !== "Union" || typeof found !== "string") return undefined;
  const words = ast.types.flatMap((member) =>
    member._tag === "Literal" && typeof member.literal === "string" ? [member.literal] : [],
  );
  const near = words.length < ast.types.length ? undefined : nearest(found, words);
  return near === undefined ? undefined : `did you mean ${quote(near)}?`;
};

/** The most common slip: quotes around a number, or none around text that looks like one. */
const quotesHint = (ast: SchemaAST.AST, found: Json | undefined): string | undefined => {
  if (ast._tag === "Number" && typeof found === "string" && /^-?[0-9.]{1,20}$/u.test(found)) {
    return `write ${found} without quotes`;
  }
  const looksOdd = typeof found === "number" || typeof found === "boolean";
  return ast._tag === "String" && looksOdd ? `write "${found}" in quotes` : undefined;
};

const textOf = (annotations: unknown, name: string): string | undefined => {
  const text = (annotations as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof text === "string" ? text : undefined;
};

const valueAt = (value: Json, path: Path): Json | undefined => {
  let here: Json | undefined = value;
  for (const part of path) {
    if (here === null || typeof here !== "object" || !Object.hasOwn(here, part)) return undefined;
    here = (here as Readonly<Record<string | number, Json>>)[part];
  }
  return here;
};
