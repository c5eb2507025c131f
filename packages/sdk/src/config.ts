// What an operator writes in `muster.config.ts`, and nobody else.

import type { Plugin } from "@muster/core";

export interface MusterConfig {
  /** Kinds and providers; the built-in ones when not given. */
  readonly plugins?: ReadonlyArray<Plugin>;
  /** Whose members these are; a default by command when not given. */
  readonly owner?: string;
  /** Such as `sqlite:/var/lib/muster/fleet.db` or `postgres://muster@db.example.com/muster`. */
  readonly store?: string;
}

/** Only types: it gives back what it got. */
export const defineConfig = (config: MusterConfig): MusterConfig => config;
