// A resource of kind set: a template, a count, and the members that it shall have.

import { canonicalJson, sha256Hex } from "./canonical.ts";
import type { DocumentAddress } from "./document.ts";
import type { JsonObject } from "./json.ts";

export interface SetResource {
  /** The resource kind; it chooses the handler. */
  readonly resource: string;
  readonly document: DocumentAddress;
  /** The name of the set within its document. */
  readonly name: string;
  /** How many members a person asked for. */
  readonly count: number;
  /** What each member is made from; opaque to the core. */
  readonly template: JsonObject;
  /** What this set was called before, within the same document. */
  readonly previousName?: string;
}

/** What a document asks for, once expanded by its kind. */
export interface Expansion {
  readonly document: DocumentAddress;
  readonly previousName?: string;
  readonly resource: string;
  readonly sets: ReadonlyArray<SetResource>;
  /** Where to look: region, compartment, credentials by name. Opaque to the core, never a secret. */
  readonly scope: JsonObject;
  /** How many members may be in flight at a time. */
  readonly parallel: { readonly create: number; readonly remove: number };
  /** The document itself asks to be left as it is until a time (ISO 8601). */
  readonly suspend?: { readonly until: string; readonly reason: string };
}

/** The mark that a member carries of the template it was made from: 16 hex digits. */
export const templateMark = (template: JsonObject): string =>
  sha256Hex(canonicalJson(template)).slice(0, 16);
