// What a plugin brings: kinds of documents, and handlers for what the documents ask.

import type * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import type { Document } from "./document.ts";
import type { Finding } from "./finding.ts";
import type { Handler, ProviderError } from "./provider.ts";
import type { Expansion } from "./set.ts";

/** A fault that a schema cannot say, at a path within the document. */
export interface SpecFault {
  /** Such as `["spec", "instances", 0, "name"]`. */
  readonly path: ReadonlyArray<string | number>;
  readonly summary: string;
  readonly hint?: string;
}

// oxlint-disable-next-line typescript/no-explicit-any -- kinds of different specs stand in one list
export interface Kind<Spec = any> {
  readonly name: string;
  /** One sentence for the reference. */
  readonly about: string;
  /** Documents of this kind may leave `apiVersion` out. */
  readonly apiVersionOptional: boolean;
  readonly spec: Schema.Codec<Spec, unknown>;
  /** What goes beyond the schema: cross-field rules. Pure. */
  readonly check?: (document: {
    readonly name: string;
    readonly spec: Spec;
  }) => ReadonlyArray<SpecFault>;
  /** What the document asks for. Pure. */
  readonly expand: (document: Document<Spec>) => Expansion;
}

export interface ExamineRequest {
  /** What documents ask for: they say as whom, and where, the plugin would be asked to look. */
  readonly expansions: ReadonlyArray<Expansion>;
  /** Whether requests may be sent; otherwise what needs them is `unknown`. */
  readonly online: boolean;
}

/** What a team installs. Its handlers come lazily, so that reading never loads a vendor's library. */
export interface Plugin {
  readonly name: string;
  readonly version: string;
  readonly kinds: ReadonlyArray<Kind>;
  readonly resources: ReadonlyArray<string>;
  readonly handler: (resource: string) => Effect.Effect<Handler, ProviderError, Scope.Scope>;
  /**
   * Looks whether all that the plugin needs is at hand: credentials, endpoints, clocks. Writes
   * nothing, shows no secret, and never fails: what cannot be looked at is a finding.
   */
  readonly examine?: (request: ExamineRequest) => Effect.Effect<ReadonlyArray<Finding>>;
}
