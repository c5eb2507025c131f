// Opens a daemon over a fleet of numbers, with the ways to ask it.

import * as Effect from "effect/Effect";
import { type FleetServerOptions, serveFleet } from "../../src/index.ts";
import { ask, type Asked } from "../asking.ts";
import { asJson, bearer, makeFakeFleet, token } from "./fake-control.ts";

export const open = (more: Partial<FleetServerOptions> = {}) =>
  Effect.gen(function* () {
    const fleet = yield* makeFakeFleet;
    const listening = yield* serveFleet({
      address: ":0",
      control: fleet.control,
      token,
      // A test that fails while an operation runs shall not wait for it.
      graceMillis: 0,
      ...more,
    });
    const { port } = listening;
    return {
      ...fleet,
      ...listening,
      get: (path: string, headers = {}) => ask(port, { path, headers }),
      post: (path: string, body: string, headers = {}) =>
        ask(port, { path, method: "POST", body, headers: { ...bearer, ...asJson, ...headers } }),
      ask: (asked: Asked) => ask(port, asked),
    };
  });

/** Until the server has come so far; what it waits for is not the clock. */
export const turnsUntil = (isSo: () => boolean) =>
  Effect.promise(async () => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  });
