// Keeps what the listed plugins bring: kinds by name, and handlers that are opened when first needed.

import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import type { Handlers } from "../observe/observe.ts";
import type { Kind, Plugin } from "../words/kind.ts";
import { type Handler, ProviderError } from "../words/provider.ts";

/** What the operator or the application set up cannot be; somebody has to choose. */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>()(
  "ConfigurationError",
  {
    message: Schema.String,
    remedy: Schema.String,
  },
) {}

export interface Registry {
  readonly kinds: ReadonlyArray<Kind>;
  /** Handlers live as long as the scope that the registry was opened in. */
  readonly handlers: Handlers;
}

/** Fails with `ConfigurationError` when a kind or a resource has more than one plugin. */
export const openRegistry = Effect.fnUntraced(function* (
  plugins: ReadonlyArray<Plugin>,
): Effect.fn.Return<Registry, ConfigurationError, Scope.Scope> {
  const kinds = plugins.flatMap((plugin) =>
    plugin.kinds.map((kind) => [kind.name, plugin] as const),
  );
  const resources = plugins.flatMap((plugin) =>
    plugin.resources.map((resource) => [resource, plugin] as const),
  );
  yield* refuseDoubles("kind", kinds);
  yield* refuseDoubles("resource", resources);
  const byResource = new Map(resources);
  const scope = yield* Effect.scope;
  const opening = yield* Semaphore.make(1);
  const open = new Map<string, Handler>();

  const openHandler = Effect.fnUntraced(function* (resource: string) {
    const ready = open.get(resource);
    if (ready !== undefined) return ready;
    const plugin = byResource.get(resource);
    if (plugin === undefined) return yield* unknownResource(resource);
    const handler = yield* Scope.provide(plugin.handler(resource), scope);
    open.set(resource, handler);
    return handler;
  });
  return {
    kinds: plugins.flatMap((plugin) => plugin.kinds),
    handlers: (resource) => opening.withPermits(1)(openHandler(resource)),
  };
});

const refuseDoubles = Effect.fnUntraced(function* (
  what: string,
  named: ReadonlyArray<readonly [string, Plugin]>,
): Effect.fn.Return<void, ConfigurationError> {
  const seen = new Map<string, Plugin>();
  for (const [name, plugin] of named) {
    const before = seen.get(name);
    if (before !== undefined) {
      return yield* new ConfigurationError({
        message: `the ${what} ${name} is brought by the plugins ${before.name} and ${plugin.name}`,
        remedy: "list only one of them in the configuration",
      });
    }
    seen.set(name, plugin);
  }
});

const unknownResource = (resource: string): ProviderError =>
  new ProviderError({
    reason: "Invalid",
    operation: "open handler",
    message: `no listed plugin keeps ${resource}`,
    remedy: "add the plugin that keeps it to the configuration",
  });
