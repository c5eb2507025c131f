// What people write and call to embed muster.

export { createMuster, type CallOptions, type Muster, type MusterOptions } from "./client.ts";
export { defineConfig, type MusterConfig } from "./config.ts";
export { apply, plan, type TurnError, type TurnOptions } from "./turn.ts";
export type { Event, Outcome, Plugin, ReconcileReport, SourceText } from "@muster/core";
