// A daemon under a hundred requests a second: how soon they tell of a change, and what that costs.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Redacted from "effect/Redacted";
import * as Scope from "effect/Scope";
import * as SubscriptionRef from "effect/SubscriptionRef";
import type { FleetControl, FleetMetrics } from "@muster/sdk/fleet-contract";
import { serveFleet } from "@muster/server";
import { type Figure, plainFigure, ratioFigure, report } from "./runner.ts";

const requestsPerSecond = 100;
const changesPerSecond = 20;
const roundMillis = 3_000;
const rounds = 5;

const metricsOf = (loopCount: number): FleetMetrics => ({
  fleet: "web",
  localActive: 3,
  remoteActive: 3,
  timestamp: "2026-11-25T10:00:00Z",
  control: { enabled: true, interval: "30s", desired: 3, actual: 3, loopCount, override: null },
  actions: {
    launchRequested: 0,
    launchSucceeded: 0,
    launchFailed: 0,
    terminateRequested: 0,
    terminateSucceeded: 0,
    terminateFailed: 0,
    rollingRestartIndex: 0,
    rollingRestartTotal: 0,
  },
});

interface Told {
  readonly url: string;
  readonly change: (loopCount: number) => void;
  readonly close: () => Promise<void>;
}

const unused = Effect.die(new Error("nothing is changed here"));

const openDaemon = async (): Promise<Told> => {
  const scope = Scope.makeUnsafe();
  const metrics = await Effect.runPromise(SubscriptionRef.make(metricsOf(0)));
  const control: FleetControl = {
    status: Effect.succeed("web"),
    metrics: SubscriptionRef.get(metrics),
    changes: SubscriptionRef.changes(metrics),
    scale: () => unused,
    rollingRestart: () => unused,
    syncState: () => unused,
  };
  const { url } = await Effect.runPromise(
    serveFleet({ address: ":0", control, token: Redacted.make("none") }).pipe(Scope.provide(scope)),
  );
  return {
    url,
    change: (loopCount) => Effect.runSync(SubscriptionRef.set(metrics, metricsOf(loopCount))),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  };
};

/** What answering the same costs at the least. */
const openBare = async (): Promise<Told> => {
  let current = metricsOf(0);
  const server = createServer((request, response) => {
    const body = JSON.stringify(request.url === "/control" ? current.control : current);
    response.setHeader("content-type", "application/json").end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    change: (loopCount) => (current = metricsOf(loopCount)),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const loopCountIn = async (url: string): Promise<number> => {
  const told = (await (await fetch(url)).json()) as FleetMetrics | FleetMetrics["control"];
  return "control" in told ? told.control.loopCount : told.loopCount;
};

/** How long each change took to be told at `path` while both paths are asked, in milliseconds. */
const lags = async (
  { url, change }: Told,
  first: number,
): Promise<Readonly<Record<string, ReadonlyArray<number>>>> => {
  const changedAt: Array<number> = [];
  const lagsAt: Record<string, Array<number>> = { "/metrics": [], "/control": [] };
  const asked: Array<Promise<void>> = [];
  const ask = async (path: string): Promise<void> => {
    const newest = (await loopCountIn(url + path)) - first;
    // Those that were changed again before anybody asked are told by the newer one.
    const told = lagsAt[path]!;
    while (told.length <= newest) told.push(performance.now() - changedAt[told.length]!);
  };
  const step = 1_000 / requestsPerSecond;
  const began = performance.now();
  for (let at = 0; at * step < roundMillis; at += 1) {
    const due = began + at * step - performance.now();
    if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
    if (at % (requestsPerSecond / changesPerSecond) === 0) {
      change(first + changedAt.length);
      changedAt.push(performance.now());
    }
    asked.push(ask(at % 2 === 0 ? "/metrics" : "/control"));
  }
  await Promise.all(asked);
  return lagsAt;
};

const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

async function* figures(): AsyncGenerator<Figure> {
  const [daemon, bare] = [await openDaemon(), await openBare()];
  const pairs: Record<string, Array<readonly [number, number]>> = {
    "/metrics": [],
    "/control": [],
  };
  let longest = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const first = 1 + round * 1_000;
    const ofDaemon = await lags(daemon, first);
    const ofBare = await lags(bare, first);
    // The first one warms up.
    if (round === 0) continue;
    for (const [path, some] of Object.entries(ofDaemon)) {
      longest = Math.max(longest, ...some);
      pairs[path]!.push([mean(some), mean(ofBare[path]!)]);
    }
  }
  for (const [path, times] of Object.entries(pairs)) {
    const what = `a change is told at ${path}, ${requestsPerSecond} requests a second`;
    yield ratioFigure({ what, against: "a bare node:http server", bound: null }, times);
  }
  yield plainFigure("the longest that a change took to be told, in milliseconds", longest, 1_000);
  await daemon.close();
  await bare.close();
}

await report("daemon", figures());
