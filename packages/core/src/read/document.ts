// Decodes one document: header, spec, and the rules of its kind; every fault, none of them twice.

import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { digestOf } from "../words/canonical.ts";
import type { Document } from "../words/document.ts";
import type { Json, JsonObject } from "../words/json.ts";
import type { Kind, SpecFault } from "../words/kind.ts";
import { formatPath, type DocumentFault } from "./fault.ts";
import { readHeader, type Header } from "./header.ts";
import { partialCheckOf, type PartialCheck } from "./rules.ts";
import { schemaFaults } from "./schema-faults.ts";

/** A kind with its decoder made ready once, for many documents. */
export interface ReadyKind {
  readonly kind: Kind;
  readonly decode: ReturnType<typeof Schema.decodeUnknownResult<Schema.Codec<unknown>>>;
  readonly partialCheck: PartialCheck;
}

export interface ReadyKinds {
  readonly kinds: ReadonlyMap<string, Kind>;
  readonly ready: ReadonlyMap<string, ReadyKind>;
}

export const readyKinds = (kinds: ReadonlyArray<Kind>): ReadyKinds => ({
  kinds: new Map(kinds.map((kind) => [kind.name, kind])),
  ready: new Map(kinds.map((kind) => [kind.name, readyKind(kind)])),
});

const readyKind = (kind: Kind): ReadyKind => ({
  kind,
  decode: Schema.decodeUnknownResult(kind.spec as Schema.Codec<unknown>, {
    errors: "all",
    onExcessProperty: "error",
  }),
  partialCheck: partialCheckOf(kind.spec),
});

/** A document without its place; `document` is there when nothing is wrong with it. */
export interface DecodedDocument {
  readonly header: Header;
  readonly document?: Omit<Document, "place">;
  readonly faults: ReadonlyArray<DocumentFault>;
}

/** `earlier` are the faults that made parts of the value unusable. */
export const decodeDocument = (
  kinds: ReadyKinds,
  value: Json,
  earlier: ReadonlyArray<DocumentFault>,
): DecodedDocument => {
  const header = readHeader(value, kinds.kinds);
  const ready = kinds.ready.get(header.kind ?? "");
  if (ready === undefined || header.spec === undefined) {
    return { header, faults: withoutEchoes(earlier, header.faults) };
  }
  const { spec, faults } = decodeSpec(ready, header.name, header.spec);
  const all = withoutEchoes(earlier, [...header.faults, ...faults]);
  if (all.length > 0 || header.name === undefined) return { header, faults: all };
  return { header, document: documentOf(ready.kind.name, header, spec as JsonObject), faults: [] };
};

const decodeSpec = (
  ready: ReadyKind,
  name: string | undefined,
  raw: JsonObject,
): { readonly spec?: unknown; readonly faults: ReadonlyArray<DocumentFault> } => {
  const decoded = ready.decode(raw);
  if (Result.isFailure(decoded)) {
    const faults = schemaFaults(decoded.failure.issue, ["spec"], raw);
    return { faults: [...faults, ...ready.partialCheck(raw).map(onValue)] };
  }
  const spec = decoded.success;
  const found = ready.kind.check?.({ name: name ?? "", spec }) ?? [];
  return { spec, faults: found.map(onValue) };
};

const onValue = (fault: SpecFault): DocumentFault => ({ ...fault, on: "value" });

const documentOf = (
  kind: string,
  { name, previousName }: Header,
  spec: JsonObject,
): Omit<Document, "place"> => {
  const asked = {
    kind,
    name: name!,
    ...(previousName === undefined ? {} : { previousName }),
    spec,
  };
  return { ...asked, inputDigest: digestOf(asked) };
};

/** A value that could not be used is reported once, not again as missing or of the wrong type. */
export const withoutEchoes = (
  earlier: ReadonlyArray<DocumentFault>,
  later: ReadonlyArray<DocumentFault>,
): ReadonlyArray<DocumentFault> => {
  if (earlier.length === 0) return later;
  const told = new Set(earlier.map((fault) => formatPath(fault.path)));
  return [...earlier, ...later.filter((fault) => !told.has(formatPath(fault.path)))];
};
