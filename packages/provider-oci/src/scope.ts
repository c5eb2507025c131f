// Decides what the opaque parts of an expansion say: where to look, as whom, and what to make.

import * as Effect from "effect/Effect";
import type * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { JsonObject } from "@muster/core/words/json";
import { oncePer } from "@muster/core/words/once";
import { ProviderError } from "@muster/core/words/provider";
import type { Expansion, SetResource } from "@muster/core/words/set";

const ScopeAuth = Schema.Struct({
  method: Schema.Literals(["instance", "user"]),
  configFile: Schema.optionalKey(Schema.String),
  profile: Schema.optionalKey(Schema.String),
  region: Schema.optionalKey(Schema.String),
});

/** As whom a document wants to call. */
export type ScopeAuth = typeof ScopeAuth.Type;

const Placement = Schema.Struct({
  availabilityDomains: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  faultDomains: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
});

/** Where a document wants its members spread. */
export type ScopePlacement = typeof Placement.Type;

const Scope = Schema.Struct({
  compartmentId: Schema.NonEmptyString,
  auth: ScopeAuth,
  placement: Schema.optionalKey(Placement),
});

export type OciScope = typeof Scope.Type;

const Template = Schema.Struct({
  imageId: Schema.NonEmptyString,
  shape: Schema.NonEmptyString,
  shapeConfig: Schema.optionalKey(
    Schema.Struct({
      ocpus: Schema.optionalKey(Schema.Finite),
      memoryInGBs: Schema.optionalKey(Schema.Finite),
    }),
  ),
  subnetId: Schema.NonEmptyString,
  availabilityDomain: Schema.NonEmptyString,
  displayNamePrefix: Schema.optionalKey(Schema.String),
  freeformTags: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  definedTags: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.String)),
  ),
  metadata: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
});

export type OciTemplate = typeof Template.Type;

// What a document asks for is the same object from look to look.
const decodeScope = oncePer<JsonObject, Result.Result<OciScope, Schema.SchemaError>>(
  Schema.decodeUnknownResult(Scope),
);
const decodeTemplate = oncePer<JsonObject, Result.Result<OciTemplate, Schema.SchemaError>>(
  Schema.decodeUnknownResult(Template),
);

/** Fails with `Invalid`: then kind and provider do not fit together. */
export const readScope = (expansion: Expansion): Effect.Effect<OciScope, ProviderError> =>
  Effect.fromResult(decodeScope(expansion.scope)).pipe(
    Effect.mapError((fault) => unreadable(`the scope of ${expansion.document.name}`, fault)),
  );

/** Fails with `Invalid`: then kind and provider do not fit together. */
export const readTemplate = (set: SetResource): Effect.Effect<OciTemplate, ProviderError> =>
  Effect.fromResult(decodeTemplate(set.template)).pipe(
    Effect.mapError((fault) => unreadable(`the template of ${set.name}`, fault)),
  );

const unreadable = (what: string, fault: { readonly message: string }): ProviderError =>
  new ProviderError({
    reason: "Invalid",
    operation: "ReadDocument",
    message: `${what} cannot be read: ${fault.message}`,
    remedy: "use a kind whose documents are made for oci.instances",
  });
