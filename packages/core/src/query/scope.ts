// Leaves out what nobody means unless he names it, such as disabled hosts.

import { positionAt } from "./tree.ts";
import type { Condition, Query, Term } from "./tree.ts";
import type { Scope, Vocabulary } from "./vocabulary.ts";

/** The query within the default scope of its vocabulary: as it is when it names the scope's field. */
export const inDefaultScope = (query: Query, { scope }: Vocabulary): Query => {
  if (scope === undefined || names(query, scope)) return query;
  const { where, sort } = query;
  const within = leftOut(scope.unless);
  if (where === null) return { where: within, sort };
  const parts = where.type === "and" ? [...where.parts, within] : [where, within];
  return { where: { type: "and", parts }, sort };
};

/** Nobody wrote this condition; it stands at the start. */
const leftOut = (field: string): Condition => ({
  type: "not",
  part: {
    type: "term",
    field,
    fieldType: "boolean",
    test: { type: "among", operands: [{ type: "exact", value: true }] },
    at: positionAt(0),
  },
});

const names = ({ where, sort }: Query, scope: Scope): boolean =>
  sort.some(({ field }) => field === scope.unless) ||
  (where !== null && namedIn(where, scope, false));

/** Who asks for something implied names the scope's field; who excludes it does not. */
const namedIn = (condition: Condition, scope: Scope, negated: boolean): boolean => {
  if (condition.type === "not") return namedIn(condition.part, scope, !negated);
  if (condition.type !== "term") {
    return condition.parts.some((part) => namedIn(part, scope, negated));
  }
  return condition.field === scope.unless || (!negated && isImplied(condition, scope));
};

const isImplied = ({ field, test }: Term, { implied }: Scope): boolean =>
  test.type === "among" &&
  test.operands.some(
    (operand) =>
      operand.type === "exact" &&
      implied.some((one) => one.field === field && one.value === operand.value),
  );
