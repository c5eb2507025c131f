// The roll call of 10,000 hosts, and what is asked of it afterwards: memory, time, and whether the store keeps up.

import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Store, type StoreShape } from "@muster/core";
import { defaultDriftThresholds } from "@muster/core/inventory/drift";
import { inventoryOwner, rollOf } from "@muster/core/inventory/roll";
import { Prober, refresh } from "@muster/core/inventory/refresh";
import { hostFields } from "@muster/core/query/host-fields";
import { parseQuery } from "@muster/core/query/parse";
import { openSqliteStore } from "@muster/store-sql";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { chooseHosts, findHosts, type Ground } from "../packages/cli/src/inventory/select.ts";
import type { Took } from "./inventory-client.ts";
import type { Hosts } from "./inventory-hosts.ts";
import { type Figure, median, plainFigure, report, timed } from "./runner.ts";

/** At night as many as the bounds are for; fewer show the shape sooner. */
const many = Number(process.env["MUSTER_BENCH_HOSTS"] ?? 10_000);
/** What memory is held against: it must not grow with the hosts. */
const few = many / 10;

const at = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

const answerOf = <A>(child: ChildProcess, what: string): Promise<A> =>
  new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as A));
    child.once("exit", (code) => reject(new Error(`${what} ended with ${code}`)));
  });

const filters = [
  "expected_role:null",
  "role:gecko_t_linux_talos AND expected_role:null",
  "drift:any",
  "host~.7. OR role:*_perf sort:last_seen:desc,host",
  "NOT (override_branch:feature-3 OR puppet.success:false) -label.rack:3",
];

const ground = (): Ground => ({ thresholds: defaultDriftThresholds, now: Date.now() });

const withStore = <A>(path: string, use: (store: StoreShape) => Effect.Effect<A, unknown>) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(openSqliteStore({ path }), use)));

const allQuery = Result.getOrThrow(parseQuery("", hostFields));

const loadViews = (path: string) =>
  withStore(path, (store) =>
    Effect.gen(function* () {
      const roll = rollOf(yield* store.load(inventoryOwner));
      return (yield* findHosts(store, roll, allQuery, ground())).views;
    }),
  );

/** Looks that cost nothing: what is left is the store. */
const instantly = Layer.succeed(Prober, {
  look: ({ host }) =>
    Effect.as(Effect.yieldNow, {
      observation: {
        host,
        at: new Date().toISOString(),
        contact: { reason: null, step: null, message: null },
        facts: {
          role: "gecko_t_linux_talos",
          os: "Linux",
          overrideSha: null,
          sudo: "yes" as const,
        },
      },
      override: null,
    }),
});

const writeAlone = (path: string, hosts: ReadonlyArray<string>): Promise<unknown> =>
  withStore(path, (store) =>
    refresh(
      hosts.map((host) => ({ host })),
      { scope: "full", concurrency: 64 },
    ).pipe(Effect.provideService(Store, store), Effect.provide(instantly)),
  );

async function* figures(): AsyncGenerator<Figure> {
  const folder = mkdtempSync(join(tmpdir(), "muster-bench-inventory-"));
  const fleet = fork(at("inventory-hosts.ts"), [String(many)]);
  const command = async (args: ReadonlyArray<string>): Promise<Took> => {
    const client = fork(at("inventory-client.ts"), [JSON.stringify(args)]);
    const took = await answerOf<Took>(client, args.join(" "));
    if (took.failed) throw new Error(`${args.join(" ")}: ${took.said}`);
    return took;
  };
  try {
    const { seeds, sshConfig } = await answerOf<Hosts>(fleet, "the hosts");
    const storeOf = (count: number): string => join(folder, `${count}.db`);
    const place = (count: number) => ["--store", `sqlite:${storeOf(count)}`];
    const rollCall = async (count: number): Promise<Took> => {
      const file = join(folder, `${count}.seeds`);
      writeFileSync(file, seeds.slice(0, count).join("\n"));
      await command(["inventory", "seed", "sync", "--from-file", file, ...place(count)]);
      return command(["inventory", "refresh", "--ssh-config", sshConfig, ...place(count)]);
    };

    const small = await rollCall(few);
    const large = await rollCall(many);
    const mega = (bytes: number): number => bytes / 1_048_576;
    yield plainFigure(
      `roll call of ${many} hosts: memory at its peak, MB`,
      mega(large.peakBytes),
      300,
    );
    yield plainFigure(`the same of ${few} hosts, MB`, mega(small.peakBytes), 300);
    const each = (large.peakBytes - small.peakBytes) / 1_024 / (many - few);
    yield plainFigure("memory for each host more, KB", each, 8);
    yield plainFigure(
      "roll call: client's processor time for each host, ms",
      large.cpuMillis / many,
      null,
    );
    yield plainFigure("roll call: hosts a second", (many * 1_000) / large.millis, null);

    const alone = await timed(() => writeAlone(join(folder, "alone.db"), seeds));
    yield plainFigure("store alone: looks a second", (many * 1_000) / alone, null);
    yield plainFigure("share of the roll call that the store takes", alone / large.millis, 0.5);

    const views = await loadViews(storeOf(many));
    for (const text of filters) {
      const query = Result.getOrThrow(parseQuery(text, hostFields));
      const times: Array<number> = [];
      let found = 0;
      for (let round = 0; round < 9; round += 1) {
        times.push(await timed(() => (found = chooseHosts(views, query, ground()).length)));
      }
      yield { ...plainFigure(`${text} (${found})`, median(times), 50), unit: "ms" };
    }
    const list = ["host", "list", "--filter", filters[1]!, ...place(many)];
    const show = ["host", "show", seeds[0]!, ...place(many)];
    for (const [what, args] of [
      [`the whole of host list --filter over ${many}`, list],
      ["the whole of host show", show],
    ] as const) {
      const took = await command(args);
      yield { ...plainFigure(what, took.millis, null), unit: "ms" };
      yield plainFigure("its memory at its peak, MB", mega(took.peakBytes), null);
    }
  } finally {
    const gone = new Promise((resolve) => fleet.once("exit", resolve));
    if (fleet.connected) fleet.send("end");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  }
}

await report("inventory", figures());
