// A resource of kind set: a template, a count, and the members that it shall have.

import { canonicalJson, sha256Hex } from "./canonical.ts";
import type { DocumentAddress } from "./document.ts";
import type { JsonObject } from "./json.ts";
import { oncePer } from "./once.ts";

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

/** How members that await replacement are replaced. */
export interface ReplacePolicy {
  /** How many of the members asked for may be missing at a time. */
  readonly maxUnavailable: number;
  /** How many members may be there beyond the count while it lasts. */
  readonly maxSurge: number;
  /** Between two stages, in milliseconds. */
  readonly pauseMillis: number;
  /** Whether a member that was made from another template awaits replacement without being asked. */
  readonly onDrift: boolean;
}

/** Strictly one after the other, and only when somebody asks. */
export const serially: ReplacePolicy = {
  maxUnavailable: 1,
  maxSurge: 0,
  pauseMillis: 0,
  onDrift: false,
};

/** How a member is asked whether it is well. */
export interface HealthQuestion {
  /** Opaque to the core: the handler knows how to ask. */
  readonly probe: JsonObject;
  /** How long a new member may take until it is well, in milliseconds. */
  readonly patienceMillis: number;
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
  /** How members are replaced; `serially` when not given. */
  readonly replace?: ReplacePolicy;
  /** Kept on each member that is launched; members that bear another are replaced. */
  readonly restart?: string;
  /** Without it a member that runs is well. */
  readonly health?: HealthQuestion;
  /** The document itself asks to be left as it is until a time (ISO 8601). */
  readonly suspend?: { readonly until: string; readonly reason: string };
}

/** The mark that a member carries of the template it was made from: 16 hex digits. */
export const templateMark: (template: JsonObject) => string = oncePer((template) =>
  sha256Hex(canonicalJson(template)).slice(0, 16),
);
