// Which worker a host is: by its short name over all pools that were read, and never by a guess.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import {
  correlate,
  type ListedWorker,
  poolName,
  type PoolReading,
  poolsNamed,
} from "../../src/inventory/workers.ts";
import { rollOf } from "../../src/inventory/roll.ts";
import type { Population, Worker, WorkerPool } from "../../src/words/host.ts";
import { ProviderError } from "../../src/words/provider.ts";

const talos: WorkerPool = { provisioner: "releng", workerType: "talos" };
const perf: WorkerPool = { provisioner: "releng", workerType: "perf" };
const noon = "2026-05-01T12:00:00.000Z";

const worker = (pool: WorkerPool, id: string, given: Partial<ListedWorker> = {}): ListedWorker => ({
  ...pool,
  id,
  group: "mdc1",
  lastActive: noon,
  quarantined: false,
  ...given,
});

const known = ({ provisioner, workerType, id, lastActive, quarantined }: ListedWorker): Worker => ({
  provisioner,
  workerType,
  id,
  lastActive,
  quarantined,
});

const read = (pool: WorkerPool, ...workers: ReadonlyArray<ListedWorker>): PoolReading => ({
  pool,
  workers,
});

const unread = (pool: WorkerPool): PoolReading => ({
  pool,
  error: new ProviderError({ reason: "Unreachable", operation: "list workers", message: "503" }),
});

const one = (
  host: string,
  hosts: Readonly<Record<string, WorkerPool | null>>,
  ...readings: ReadonlyArray<PoolReading>
) => correlate({ hosts: new Map(Object.entries(hosts)), readings })(host);

describe("the worker of a host", () => {
  it("has the host's short name, in whatever letters", () => {
    assert.deepStrictEqual(
      one("t-1.mdc1.test", { "t-1.mdc1.test": talos }, read(talos, worker(talos, "T-1"))),
      { worker: known(worker(talos, "T-1")) },
    );
    const longer = read(talos, worker(talos, "t-10"), worker(talos, "t"));
    assert.deepStrictEqual(one("t-1.test", { "t-1.test": talos }, longer), { worker: null });
  });

  it("is that of another pool, where it is in no other", () => {
    assert.deepStrictEqual(
      one("t-1.test", { "t-1.test": talos }, read(talos), read(perf, worker(perf, "t-1"))),
      { worker: known(worker(perf, "t-1")) },
    );
  });

  it("is found for a host that is assigned to nothing, and for one that is not on the roll yet", () => {
    const reading = read(talos, worker(talos, "t-1"));
    const found = { worker: known(worker(talos, "t-1")) };
    assert.deepStrictEqual(one("t-1.test", { "t-1.test": null }, reading), found);
    assert.deepStrictEqual(one("t-1.test", {}, reading), found);
  });

  it("is told of nobody where no population names a pool", () => {
    assert.deepStrictEqual(one("t-1.test", { "t-1.test": null }), {});
  });

  it("is not guessed where several have its name", () => {
    const twice = [worker(talos, "t-1"), worker(talos, "t-1", { group: "mdc2" })];
    assert.deepStrictEqual(one("t-1.test", { "t-1.test": talos }, read(talos, ...twice)), {
      trouble: '2 workers are called "t-1": "releng/talos mdc1/t-1", "releng/talos mdc2/t-1"',
    });
    assert.deepStrictEqual(
      one(
        "t-1.test",
        { "t-1.test": talos },
        read(talos, worker(talos, "t-1")),
        read(perf, worker(perf, "t-1")),
      ),
      { trouble: '2 workers are called "t-1": "releng/perf mdc1/t-1", "releng/talos mdc1/t-1"' },
    );
  });

  it("is not guessed where several hosts have its name, looked at or not", () => {
    const hosts = { "t-1.a.test": talos, "t-1.b.test": null };
    const reading = read(talos, worker(talos, "t-1"));
    for (const host of Object.keys(hosts)) {
      assert.deepStrictEqual(one(host, hosts, reading), {
        trouble: 'a worker is called "t-1", and 2 hosts are: "t-1.a.test", "t-1.b.test"',
      });
      assert.deepStrictEqual(one(host, hosts, read(talos)), { worker: null });
    }
  });

  it("is not told of an address, whose first number is no name", () => {
    for (const host of ["10.0.0.7", "fe80::1"]) {
      assert.deepStrictEqual(one(host, { [host]: talos }, read(talos, worker(talos, "10"))), {
        trouble: "an address has no short name to know a worker by",
      });
    }
  });

  it("is unknown, never none, while a pool was not read; known where it is expected", () => {
    const hosts = { "t-1.test": talos };
    const trouble = 'the worker is unknown: not read was "releng/perf" (Unreachable)';
    assert.deepStrictEqual(one("t-1.test", hosts, read(talos), unread(perf)), { trouble });
    assert.deepStrictEqual(
      one("t-1.test", hosts, read(talos, worker(talos, "t-1")), unread(perf)),
      { worker: known(worker(talos, "t-1")) },
    );
    assert.deepStrictEqual(
      one("t-1.test", { "t-1.test": perf }, read(talos, worker(talos, "t-1")), unread(perf)),
      { trouble },
    );
  });

  it("is told once where a list shows it twice, as it was seen last", () => {
    const early = worker(talos, "t-1", { lastActive: "2026-05-01T10:00:00.000Z" });
    const never = worker(talos, "t-1", { lastActive: null });
    for (const rows of [
      [early, worker(talos, "t-1"), never],
      [never, worker(talos, "t-1"), early],
    ]) {
      assert.deepStrictEqual(one("t-1.test", { "t-1.test": talos }, read(talos, ...rows)), {
        worker: known(worker(talos, "t-1")),
      });
    }
  });

  it("asks each pool once that populations name", () => {
    const population = (name: string, workers: WorkerPool | null): Population => ({
      name,
      expectedRole: null,
      targetQuery: null,
      description: null,
      workers,
      keeper: { by: "cli" },
    });
    const roll = rollOf(
      [
        population("a", talos),
        population("b", null),
        population("c", perf),
        population("d", talos),
      ].map((each) => ({ _tag: "Population", population: each })),
    );
    assert.deepStrictEqual(poolsNamed(roll), [perf, talos]);
  });

  const pools = [talos, perf, { provisioner: "aws", workerType: "talos" }];
  const Place = Schema.Struct({
    name: Schema.Literals(["a", "B", "c"]),
    pool: Schema.Literals([0, 1, 2]),
    group: Schema.Literals(["x", "y"]),
  });
  const Hosts = Schema.Array(
    Schema.Struct({
      host: Schema.Literals(["a.x", "a.y", "b.x", "b", "c.x", "d.x"]),
      pool: Schema.Literals([0, 1, 2, 3]),
    }),
  ).check(Schema.isMaxLength(6));
  const Unread = Schema.Array(Schema.Literals([0, 1, 2])).check(Schema.isMaxLength(2));
  const Workers = Schema.Array(Place).check(Schema.isMaxLength(5));

  it.effect.prop(
    "is one that is called so and by nobody else, none only where all was read, and else told why not",
    { hosts: Hosts, workers: Workers, unread: Unread },
    ({ hosts, workers, unread: blind }) =>
      Effect.sync(() => {
        const expected = new Map(hosts.map(({ host, pool }) => [host, pools[pool] ?? null]));
        const rows = workers.map(({ name, pool, group }) => worker(pools[pool]!, name, { group }));
        const readings = pools.map((pool, index) =>
          blind.some((each) => each === index)
            ? unread(pool)
            : read(pool, ...rows.filter((row) => poolName(row) === poolName(pool))),
        );
        const answerOf = correlate({ hosts: expected, readings });
        const back = correlate({
          hosts: new Map([...expected].toReversed()),
          readings: readings.toReversed(),
        });
        const seen = readings.flatMap((reading) => ("workers" in reading ? reading.workers : []));
        const shortOf = (host: string) => host.split(".")[0]!;
        for (const host of expected.keys()) {
          const answer = answerOf(host);
          assert.deepStrictEqual(back(host), answer, "the order says nothing");
          const called = new Set(
            seen
              .filter(({ id }) => id.toLowerCase() === shortOf(host))
              .map((row) => `${poolName(row)}/${row.group}/${row.id}`),
          );
          const alike = [...expected.keys()].filter((other) => shortOf(other) === shortOf(host));
          assert.strictEqual(answer.worker === undefined, answer.trouble !== undefined);
          if (answer.worker === null) {
            assert.deepStrictEqual([blind.length, called.size], [0, 0]);
          } else if (answer.worker !== undefined) {
            assert.deepStrictEqual([called.size, alike.length], [1, 1]);
            assert.strictEqual(answer.worker.id.toLowerCase(), shortOf(host));
            const own = expected.get(host) ?? null;
            const isOwn = own !== null && poolName(own) === poolName(answer.worker);
            assert.isTrue(isOwn || blind.length === 0);
          } else {
            const isOpen = blind.length > 0;
            assert.isTrue(isOpen || called.size > 1 || (called.size === 1 && alike.length > 1));
          }
        }
      }),
  );
});
