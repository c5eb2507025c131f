// Looks at hosts in one process, pass after pass, over the connections that earlier passes opened.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import { Store } from "@muster/core";
import { refresh } from "@muster/core/inventory/refresh";
import { layerProber } from "@muster/provider-ssh";
import { openSqliteStore } from "@muster/store-sql";

export interface PassesOptions {
  readonly sshConfig: string;
  /** The hosts of each pass, by name. */
  readonly passes: ReadonlyArray<ReadonlyArray<string>>;
  readonly concurrency: number;
  /** A file; each look is on disk when it counts. */
  readonly store: string;
}

export interface Pass {
  readonly millis: number;
  /** Of the process, in user and system. */
  readonly cpuMillis: number;
}

/** Rejects when a host does not answer. */
export const makePasses = (options: PassesOptions): Promise<ReadonlyArray<Pass>> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)]);
    child.once("message", (message) => resolve(message as ReadonlyArray<Pass>));
    child.once("exit", (code) => reject(new Error(`the looks ended with ${code}`)));
  });

const look = (options: PassesOptions): Promise<ReadonlyArray<Pass>> =>
  Effect.gen(function* () {
    const store = yield* openSqliteStore({ path: options.store });
    const passes: Array<Pass> = [];
    for (const names of options.passes) {
      const began = performance.now();
      const before = process.cpuUsage();
      const { answered, silent } = yield* refresh(
        names.map((host) => ({ host })),
        { scope: "full", concurrency: options.concurrency },
      ).pipe(Effect.provideService(Store, store));
      const { user, system } = process.cpuUsage(before);
      passes.push({ millis: performance.now() - began, cpuMillis: (user + system) / 1_000 });
      if (answered < names.length) {
        return yield* Effect.die(new Error(`silent: ${JSON.stringify([...silent])}`));
      }
    }
    return passes;
  }).pipe(
    Effect.provide(
      layerProber({ configFile: options.sshConfig, concurrency: options.concurrency }),
    ),
    Effect.scoped,
    Effect.runPromise,
  );

const [text] = process.argv.slice(2);
if (process.send !== undefined && text !== undefined) {
  process.send(await look(JSON.parse(text) as PassesOptions));
  process.disconnect();
}
