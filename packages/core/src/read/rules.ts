// Cross-field rules of a kind: each says what it reads, so that a fault elsewhere does not hide it.

import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Json, JsonObject } from "../words/json.ts";
import type { SpecFault } from "../words/kind.ts";

/** What a schema cannot say. Pure; sees only the fields of the spec that it names. */
export interface Rule<Spec> {
  readonly reads: ReadonlyArray<keyof Spec & string>;
  readonly faults: (spec: Spec) => ReadonlyArray<SpecFault>;
}

/** A rule over some fields of a spec. Paths begin at the document: `["spec", "shape"]`. */
export const rule =
  <Spec>() =>
  <const Field extends keyof Spec & string>(
    reads: ReadonlyArray<Field>,
    faults: (spec: Pick<Spec, Field>) => ReadonlyArray<SpecFault>,
  ): Rule<Spec> => ({ reads, faults });

/** The faults of a sound spec: what a kind's `check` answers. */
export const checkRules = <Spec>(
  rules: ReadonlyArray<Rule<Spec>>,
  spec: Spec,
): ReadonlyArray<SpecFault> => rules.flatMap((one) => one.faults(spec));

const annotation = "muster/rules";

/** Hands a kind's rules to the reader, for specs that are only partly sound. */
export const withRules = <S extends Schema.Struct<Schema.Struct.Fields>>(
  schema: S,
  rules: ReadonlyArray<Rule<S["Type"]>>,
): S => schema.annotate({ [annotation]: rules }) as S;

/** Runs, on a spec that did not decode, each rule whose own fields do. */
export type PartialCheck = (spec: JsonObject) => ReadonlyArray<SpecFault>;

export const partialCheckOf = (schema: Schema.Top): PartialCheck => {
  const rules = Schema.resolveAnnotations(schema)?.[annotation];
  if (!Array.isArray(rules) || !("fields" in schema)) return () => [];
  const checks = (rules as ReadonlyArray<Rule<unknown>>).map((one) =>
    ruleCheck(one, schema.fields as Schema.Struct.Fields),
  );
  return (spec) => checks.flatMap((check) => check(spec));
};

const ruleCheck = (one: Rule<unknown>, fields: Schema.Struct.Fields): PartialCheck => {
  const reads = one.reads as ReadonlyArray<string>;
  const read = Schema.Struct(Object.fromEntries(reads.map((name) => [name, fields[name]!])));
  const decode = Schema.decodeUnknownResult(read as unknown as Schema.Codec<unknown>);
  return (spec) => {
    const decoded = decode(pick(spec, reads), { onExcessProperty: "error" });
    return Result.isSuccess(decoded) ? one.faults(decoded.success) : [];
  };
};

const pick = (spec: JsonObject, names: ReadonlyArray<string>): JsonObject => {
  const picked: Record<string, Json> = {};
  for (const name of names) if (Object.hasOwn(spec, name)) picked[name] = spec[name]!;
  return picked;
};
