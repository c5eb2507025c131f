// Decides which tags a document may put on its members, and how they are written.

import * as Schema from "effect/Schema";
import * as SchemaIssue from "effect/SchemaIssue";
import * as SchemaTransformation from "effect/SchemaTransformation";
import { quote } from "@muster/core/words/quote";

/** The tag that names a member's fleet; fleetctl finds its members by it. */
export const fleetTag = "fleetctl-fleet";
/** Muster's own marks on a member. */
export const ownerTag = "muster-owner";
export const memberTag = "muster-member";
export const templateTag = "muster-template";
export const restartTag = "muster-restart";

/** OCI keeps ten freeform tags on an instance; muster needs these, and one more for a restart. */
const neededTags: ReadonlyArray<string> = [fleetTag, ownerTag, memberTag, templateTag];
const reservedTags: ReadonlyArray<string> = [...neededTags, restartTag];
export const ownTagLimit = 10 - neededTags.length;

/** Whatever muster may write one day, now or later. */
export const isReservedTag = (key: string): boolean =>
  reservedTags.includes(key.toLowerCase()) || key.toLowerCase().startsWith("muster-");

export const tagKeyLimit = 100;
const tagValueLimit = 256;

const TagValue = Schema.String.check(
  Schema.isMaxLength(tagValueLimit, { expected: `text of at most ${tagValueLimit} characters` }),
);

export const FreeformTags = Schema.Record(Schema.String, TagValue)
  .check(
    Schema.isMaxProperties(ownTagLimit, {
      message: `more than ${ownTagLimit} freeform tags`,
      hint: `OCI keeps ten on an instance and muster needs four; use defined tags for the rest`,
    }),
  )
  .annotate({
    title: "Freeform tags",
    description: `At most ${ownTagLimit}, name and text: OCI keeps ten, and muster needs four, or five with \`restart\`.`,
  });

const WrittenTags = Schema.Record(
  Schema.String,
  Schema.Union([TagValue, Schema.Record(Schema.String, TagValue)]).annotate({
    expected: "text, or a map of tags",
  }),
).annotate({
  title: "Defined tags",
  description:
    'Namespace, key and value: `Operations: {CostCenter: "42"}`, or `Operations.CostCenter: "42"`.',
});
type WrittenTags = typeof WrittenTags.Type;
type TagsByNamespace = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** One defined tag as somebody wrote it; the namespace is missing when there was no dot. */
interface WrittenTag {
  readonly path: ReadonlyArray<string>;
  readonly namespace: string | undefined;
  readonly key: string;
  readonly value: string;
}

const listTags = (written: WrittenTags): ReadonlyArray<WrittenTag> =>
  Object.entries(written).flatMap(([name, value]) => {
    if (typeof value === "string") return [flatTag(name, value)];
    return Object.entries(value).map(([key, inner]) => ({
      path: [name, key],
      namespace: name,
      key,
      value: inner,
    }));
  });

/** `namespace.key`, the way that terraform writes it: neither part can hold a dot. */
const flatTag = (name: string, value: string): WrittenTag => {
  const dot = name.indexOf(".");
  const namespace = dot === -1 ? undefined : name.slice(0, dot);
  return { path: [name], namespace, key: name.slice(dot + 1), value };
};

const tagFault = (path: ReadonlyArray<string>, message: string, hint: string) => ({
  path,
  issue: new SchemaIssue.InvalidValue({ message, hint }),
});

const partPattern = /^[^\s.\p{Cc}]{1,100}$/u;

const writtenTagFaults = (written: WrittenTags) => {
  const seen = new Set<string>();
  return listTags(written).flatMap((tag) => {
    const { path, namespace, key } = tag;
    const shown = quote(path.join("."));
    if (namespace === undefined) {
      const hint = `write "NAMESPACE.${key}", or put it in a map named after its namespace`;
      return [tagFault(path, `the defined tag ${shown} has no namespace`, hint)];
    }
    if (!partPattern.test(namespace) || !partPattern.test(key)) {
      const hint = "both are 1 to 100 characters without dots and spaces: NAMESPACE.KEY";
      return [tagFault(path, `${shown} is no namespace and key of a defined tag`, hint)];
    }
    const spelled = `${namespace}.${key}`.toLowerCase();
    if (!seen.has(spelled)) {
      seen.add(spelled);
      return [];
    }
    const hint = "OCI ignores upper and lower case here; remove one of them";
    return [tagFault(path, `the defined tag ${shown} is written twice`, hint)];
  });
};

/** Namespaces that differ only in case are one; the first spelling wins. */
const byNamespace = (written: WrittenTags): TagsByNamespace => {
  const namespaces = new Map<string, { name: string; tags: Array<[string, string]> }>();
  for (const { namespace, key, value } of listTags(written)) {
    const name = namespace ?? "";
    const known = namespaces.get(name.toLowerCase()) ?? { name, tags: [] };
    known.tags.push([key, value]);
    namespaces.set(name.toLowerCase(), known);
  }
  return Object.fromEntries(
    [...namespaces.values()].map(({ name, tags }) => [name, Object.fromEntries(tags)]),
  );
};

/**
 * Two spellings of one thing: `Operations: {CostCenter: "42"}` and `Operations.CostCenter: "42"`.
 * Both decode to the first, which is what the OCI API takes.
 */
export const DefinedTags = WrittenTags.check(Schema.makeFilter(writtenTagFaults)).pipe(
  Schema.decodeTo(
    Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.String)),
    SchemaTransformation.transform({
      decode: byNamespace,
      encode: (tags: TagsByNamespace): WrittenTags => tags,
    }),
  ),
);
