// Validates in a process of its own: whatever the SDK prints or breaks shows there and nowhere else.

import * as Effect from "effect/Effect";
import { validateAuth } from "../src/plugin.ts";
import { makeExpansion } from "./fleet.ts";

const asked = JSON.parse(process.argv[2] ?? "{}") as {
  readonly auth: object;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMillis?: number;
  /** How far the clock of this process is off, in milliseconds. */
  readonly ahead?: number;
};

const { ahead = 0, timeoutMillis = 2_000 } = asked;
const now = Date.now.bind(Date);
if (ahead !== 0) {
  // As on a machine whose clock is off: for the SDK's signature, and for all that reads the time.
  globalThis.Date = class extends Date {
    constructor(...parts: ReadonlyArray<string | number>) {
      super(...((parts.length === 0 ? [now() + ahead] : parts) as [number]));
    }
    static override now(): number {
      return now() + ahead;
    }
  } as DateConstructor;
}

const options = { env: asked.env, allowDocumentCredentials: true, timeoutMillis };
const report = await Effect.runPromise(
  validateAuth(options, makeExpansion({ auth: { ...asked.auth } })),
);
process.stdout.write(JSON.stringify(report));
