// A kind of document small enough for a property test: `FakeFleet`, with groups and a template.

import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Kind, Plugin } from "@muster/core/words/kind";
import { type FakeCloud, fakeResource } from "./fake-cloud.ts";

const FakeSpec = Schema.Struct({
  compartment: Schema.optionalKey(Schema.String),
  template: Schema.optionalKey(Schema.String),
  parallel: Schema.optionalKey(Schema.Int),
  suspend: Schema.optionalKey(Schema.Struct({ until: Schema.String, reason: Schema.String })),
  restart: Schema.optionalKey(Schema.String),
  replace: Schema.optionalKey(
    Schema.Struct({
      maxUnavailable: Schema.Int,
      maxSurge: Schema.Int,
      pauseMillis: Schema.Int,
      onDrift: Schema.Boolean,
    }),
  ),
  patienceMillis: Schema.optionalKey(Schema.Int),
  groups: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      count: Schema.Int,
      previousName: Schema.optionalKey(Schema.String),
    }),
  ),
});
export type FakeSpec = typeof FakeSpec.Type;

export const FakeFleet: Kind<FakeSpec> = {
  name: "FakeFleet",
  about: "A fleet of machines that are not there.",
  apiVersionOptional: true,
  spec: FakeSpec,
  expand: (document) => ({
    document: { kind: document.kind, name: document.name },
    ...(document.previousName === undefined ? {} : { previousName: document.previousName }),
    resource: fakeResource,
    sets: document.spec.groups.map((group) => ({
      resource: fakeResource,
      document: { kind: document.kind, name: document.name },
      name: group.name,
      count: group.count,
      template: { image: document.spec.template ?? "one" },
      ...(group.previousName === undefined ? {} : { previousName: group.previousName }),
    })),
    scope: { compartment: document.spec.compartment ?? "c1" },
    parallel: { create: document.spec.parallel ?? 5, remove: 10 },
    ...(document.spec.restart === undefined ? {} : { restart: document.spec.restart }),
    ...(document.spec.replace === undefined ? {} : { replace: document.spec.replace }),
    ...(document.spec.patienceMillis === undefined
      ? {}
      : { health: { probe: {}, patienceMillis: document.spec.patienceMillis } }),
    ...(document.spec.suspend === undefined ? {} : { suspend: document.spec.suspend }),
  }),
};

/** The plugin over one cloud. */
export const fakePlugin = (cloud: FakeCloud): Plugin => ({
  name: "fake",
  version: "1.0.0",
  kinds: [FakeFleet],
  resources: [fakeResource],
  handler: () => Effect.succeed(cloud.handler),
});
