// Decides whether what an operator's configuration exports can be used, and says what is wrong with it.

import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as SchemaIssue from "effect/SchemaIssue";
import { quote } from "@muster/core/words/quote";

const Text = Schema.String.annotate({ message: "is no text" });

const Line = Text.check(
  Schema.makeFilter((line) => line.trim() !== "" && !/[\0\r\n]/u.test(line), {
    message: "is no single line",
  }),
);

const isPlugin = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  "kinds" in value &&
  Array.isArray(value.kinds) &&
  "handler" in value &&
  typeof value.handler === "function";

const Plugins = Schema.Unknown.check(
  Schema.makeFilter((value) => Array.isArray(value) || "is no list"),
  Schema.makeFilter(
    (value) =>
      !Array.isArray(value) || value.every(isPlugin) || "holds something that is no plugin",
  ),
);

const Names = Schema.Array(Text).annotate({ message: "is no list of texts" });

const between = (minimum: number, maximum: number) =>
  Schema.Int.annotate({ message: "is no whole number" }).check(
    Schema.makeFilter(
      (value) => (value >= minimum && value <= maximum) || `is not from ${minimum} to ${maximum}`,
    ),
  );

const day = 86_400;
const week = 7 * day;
const year = 365 * day;

const Shape = Schema.Struct({
  plugins: Schema.optionalKey(Plugins),
  owner: Schema.optionalKey(Text),
  store: Schema.optionalKey(Text),
  operators: Schema.optionalKey(
    Schema.Struct({ users: Schema.optionalKey(Names), groups: Schema.optionalKey(Names) }),
  ),
  hosts: Schema.optionalKey(
    Schema.Struct({
      converge: Schema.optionalKey(Line),
      reboot: Schema.optionalKey(Line),
      refresh: Schema.optionalKey(
        Schema.Struct({
          fastSeconds: Schema.optionalKey(between(30, day)),
          fullSeconds: Schema.optionalKey(between(60, week)),
        }),
      ),
      drift: Schema.optionalKey(
        Schema.Struct({
          unreachableLooks: Schema.optionalKey(between(1, 1_000)),
          unreachableSeconds: Schema.optionalKey(between(0, year)),
          workerSeconds: Schema.optionalKey(between(1_800, year)),
          staleSeconds: Schema.optionalKey(between(60, year)),
        }),
      ),
    }),
  ),
});

const format = SchemaIssue.makeFormatterStandardSchemaV1();

/** Every fault, or nothing when it can be used. */
export const configFault = (config: object): string | undefined => {
  const decoded = Schema.decodeUnknownResult(Shape)(
    // A field that is given as undefined is not given.
    withoutUndefined({ ...config }),
    { errors: "all", onExcessProperty: "error" },
  );
  if (Result.isSuccess(decoded)) return undefined;
  return format(decoded.failure.issue)
    .issues.map(({ path = [], message }) => {
      const place = path.map(String).join(".");
      return /excess property/iu.test(message)
        ? `it has an unknown field ${quote(place)}`
        : `${place} ${message}`;
    })
    .join("; ");
};

const withoutUndefined = (config: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
