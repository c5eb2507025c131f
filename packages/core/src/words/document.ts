// One YAML or JSON object that a person wrote: what is asked, and where it stands.

import { compareText, type Place } from "./diagnostic.ts";
import type { JsonObject } from "./json.ts";

/** Kind + name: unique per environment, wherever the file lies. */
export interface DocumentAddress {
  readonly kind: string;
  readonly name: string;
}

export interface Document<Spec = JsonObject> extends DocumentAddress {
  /** The name that this document had before; its members move along. */
  readonly previousName?: string;
  readonly spec: Spec;
  /** Digest of kind, metadata and spec as decoded: what decides whether there is work. */
  readonly inputDigest: string;
  /** Where the document begins. */
  readonly place: Place;
}

/** `Kind/name`, the way that plans, records and messages name a document. */
export const formatAddress = (address: DocumentAddress): string =>
  `${address.kind}/${address.name}`;

export const sameAddress = (a: DocumentAddress, b: DocumentAddress): boolean =>
  a.kind === b.kind && a.name === b.name;

/** By kind, then by name. */
export const compareAddresses = (a: DocumentAddress, b: DocumentAddress): number =>
  compareText(a.kind, b.kind) || compareText(a.name, b.name);
