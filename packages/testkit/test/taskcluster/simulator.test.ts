// Holds that the simulated Taskcluster is strict: who is let in, what it knows, and how each fault looks.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import {
  type SimulatedWorker,
  startTaskcluster,
  type TaskclusterFault,
  taskclusterFaultNames,
  type TaskclusterSimulator,
  throwawayClient,
} from "../../src/taskcluster/index.ts";
import { macOf, readHawk } from "../../src/taskcluster/hawk.ts";

const noon = Date.parse("2026-05-01T12:00:00.000Z");
const hour = 3_600_000;
const list = "/api/worker-manager/v1/provisioners/releng/worker-types/talos/workers";

const worker = (workerId: string, given: Partial<SimulatedWorker> = {}): SimulatedWorker => ({
  provisionerId: "releng",
  workerType: "talos",
  workerId,
  ...given,
});

interface Signing {
  readonly ts?: string;
  readonly nonce?: string;
  readonly target?: string;
  readonly host?: string;
  readonly key?: string;
}

const signed = (simulator: TaskclusterSimulator, target: string, given: Signing = {}): string => {
  const { clientId, accessToken } = simulator.client;
  const fields = { ts: String(noon / 1_000), nonce: "n", ...given };
  const mac = macOf(
    given.key ?? accessToken,
    {
      method: "GET",
      target: given.target ?? target,
      host: given.host ?? `127.0.0.1:${simulator.port}`,
      authorization: "",
    },
    fields,
  );
  return `Hawk id="${clientId}", ts="${fields.ts}", nonce="${fields.nonce}", mac="${mac}"`;
};

interface Got {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly message?: string;
    readonly workers?: ReadonlyArray<Readonly<Record<string, unknown>>>;
    readonly continuationToken?: string;
  };
}

const get = (simulator: TaskclusterSimulator, target: string, authorization?: string) =>
  Effect.promise(async (): Promise<Got> => {
    const response = await fetch(`${simulator.rootUrl}${target}`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    return { status: response.status, body: (await response.json()) as Got["body"] };
  });

const open = { anonymousScopes: ["worker-manager:*"], now: () => noon };

describe("a signature", () => {
  it("is that of Hawk's own example", () => {
    const example =
      'Hawk id="dh37fgj492je", ts="1353832234", nonce="j4h3g2", ext="some-app-ext-data", mac="6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE="';
    const fields = readHawk(example);
    if (typeof fields === "string") return assert.fail(fields);
    assert.strictEqual(
      macOf(
        "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn",
        {
          method: "GET",
          target: "/resource/1?b=1&a=2",
          host: "example.com:8000",
          authorization: example,
        },
        fields,
      ),
      fields.mac,
    );
  });

  it("is not read out of a header that is not Hawk's", () => {
    for (const [header, fault] of [
      ["Bearer x", "Invalid header syntax"],
      ['Hawk id="a", ts="1", nonce="n"', "Missing attributes"],
      ['Hawk id="a", id="b", ts="1", nonce="n", mac="m"', "Bad header format"],
      ['Hawk id="a", ts="1", nonce="n", mac="m", foo="x"', "Bad header format"],
      ['Hawk id="a\\"b", ts="1", nonce="n", mac="m"', "Bad header format"],
    ] as const) {
      assert.strictEqual(readHawk(header), fault);
    }
  });

  it.effect("lets in once, for exactly this request, while the clocks agree", () =>
    Effect.gen(function* () {
      const simulator = yield* startTaskcluster({ now: () => noon });
      const status = (given: Signing) =>
        Effect.map(
          get(simulator, list, signed(simulator, list, given)),
          ({ status: code, body }) => `${code} ${body.message?.split("\n")[0] ?? ""}`,
        );
      assert.strictEqual(yield* status({}), "200 ");
      assert.strictEqual(yield* status({}), "401 Invalid nonce");
      assert.strictEqual(yield* status({ nonce: "other" }), "200 ");
      const at = (millis: number) => ({ ts: String(millis / 1_000), nonce: String(millis) });
      assert.strictEqual(yield* status(at(noon - 900_000)), "200 ");
      assert.strictEqual(yield* status(at(noon + 901_000)), "401 Stale timestamp");
      for (const wrong of [
        { key: "another" },
        { target: `${list}?limit=1` },
        { host: "127.0.0.1:1" },
        { host: `localhost:${simulator.port}` },
      ]) {
        assert.strictEqual(yield* status({ nonce: "x", ...wrong }), "401 Bad mac");
      }
      assert.strictEqual((yield* get(simulator, list)).status, 403);
    }),
  );

  it.effect("lets in a client that lasts, where its scopes reach", () =>
    Effect.gen(function* () {
      const client = { ...throwawayClient(), scopes: ["worker-manager:list-workers:releng/*"] };
      const simulator = yield* startTaskcluster({ clients: [client], now: () => noon });
      const perf = list.replace("talos", "perf");
      const aws = list.replace("releng", "aws");
      assert.strictEqual((yield* get(simulator, perf, signed(simulator, perf))).status, 200);
      const refused = yield* get(simulator, aws, signed(simulator, aws, { nonce: "m" }));
      assert.deepStrictEqual([refused.status, refused.body.code], [403, "InsufficientScopes"]);
      const ended = yield* startTaskcluster({
        clients: [{ ...client, expires: noon - 1 }],
        now: () => noon,
      });
      assert.strictEqual((yield* get(ended, list, signed(ended, list))).status, 401);
    }),
  );
});

describe("what it knows", () => {
  it.effect("is paged by place, so that a worker that goes moves the others", () =>
    Effect.gen(function* () {
      const workers = ["a", "b", "c", "d", "e"].map((name) => worker(name));
      const simulator = yield* startTaskcluster({ ...open, workers });
      const names = ({ body }: Got) => body.workers?.map((row) => row["workerId"]);
      const first = yield* get(simulator, `${list}?limit=2`);
      assert.deepStrictEqual(names(first), ["a", "b"]);
      const next = `${list}?limit=2&continuationToken=${first.body.continuationToken ?? ""}`;
      const second = yield* get(simulator, next);
      assert.deepStrictEqual(names(second), ["c", "d"]);
      simulator.setWorkers(workers.slice(1));
      assert.deepStrictEqual(names(yield* get(simulator, next)), ["d", "e"]);
      assert.isUndefined((yield* get(simulator, next)).body.continuationToken);
      for (const query of ["limit=x", "continuationToken=x", "isQuarantined=true"]) {
        assert.strictEqual((yield* get(simulator, `${list}?${query}`)).status, 400, query);
      }
    }),
  );

  it.effect("is written each half hour, while a worker is at work", () =>
    Effect.gen(function* () {
      let now = noon;
      const simulator = yield* startTaskcluster({
        ...open,
        now: () => now,
        workers: [worker("a")],
      });
      const activity = Effect.map(get(simulator, list), ({ body }) =>
        Date.parse(String(body.workers?.[0]?.["lastDateActive"])),
      );
      const written = yield* activity;
      now = written + hour / 2 - 1;
      assert.strictEqual(yield* activity, written);
      now += 1;
      assert.strictEqual(yield* activity, now);
    }),
  );

  it.effect("is up to half an hour late, and forgotten a day after that", () =>
    Effect.gen(function* () {
      let now = noon;
      const simulator = yield* startTaskcluster({
        ...open,
        now: () => now,
        workers: [worker("a", { activeUntil: noon })],
      });
      const activity = Effect.map(get(simulator, list), ({ body }) => {
        const [row] = body.workers ?? [];
        return row === undefined ? null : Date.parse(String(row["lastDateActive"]));
      });
      const active = yield* activity;
      if (active === null) return assert.fail("it is not listed");
      assert.isTrue(active <= noon && active > noon - hour / 2);
      now = active + 24 * hour - 1;
      assert.strictEqual(yield* activity, active);
      now += 1;
      assert.isNull(yield* activity);
    }),
  );

  it.effect("is one worker with all that is told of it, or a 404 of its own", () =>
    Effect.gen(function* () {
      const simulator = yield* startTaskcluster({ ...open, workers: [worker("a")] });
      const found = yield* get(simulator, `${list}/mdc1/a`);
      assert.containsAllKeys(found.body, ["recentTasks", "expires", "firstClaim", "workerGroup"]);
      const missing = yield* get(simulator, `${list}/mdc1/b`);
      assert.deepStrictEqual([missing.status, missing.body.code], [404, "ResourceNotFound"]);
    }),
  );
});

describe("a fault", () => {
  /** What a client sees of an answer: its status, whether it is JSON, and whether it came whole. */
  const seen = (simulator: TaskclusterSimulator) =>
    Effect.promise(async () => {
      const abort = new AbortController();
      try {
        const response = await fetch(`${simulator.rootUrl}${list}`, {
          redirect: "manual",
          signal: abort.signal,
        });
        let text = "";
        for await (const chunk of response.body ?? []) {
          text += Buffer.from(chunk as Uint8Array).toString();
          if (text.length > 1_000_000) abort.abort();
        }
        return `${response.status} ${isJson(text) ? "JSON" : "text"}`;
      } catch (thrown) {
        return abort.signal.aborted ? "endless" : `broken: ${(thrown as Error).message}`;
      }
    });

  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };

  const ends: Readonly<Record<Exclude<TaskclusterFault, "hang">, string>> = {
    throttled: "429 JSON",
    "server-error": "500 JSON",
    unavailable: "503 text",
    torn: "broken: terminated",
    cut: "broken: fetch failed",
    page: "200 text",
    garbled: "200 text",
    shapeless: "200 JSON",
    endless: "endless",
    circle: "200 JSON",
    echo: "400 JSON",
    moved: "302 JSON",
  };

  it.effect("has its own visible end, strikes as often as it should, and is over then", () =>
    Effect.gen(function* () {
      const simulator = yield* startTaskcluster({ ...open, workers: [worker("a")] });
      for (const fault of taskclusterFaultNames.filter((name) => name !== "hang")) {
        simulator.strike({ fault, times: 1 });
        assert.deepStrictEqual([fault, yield* seen(simulator)], [fault, ends[fault]]);
        assert.strictEqual(yield* seen(simulator), "200 JSON");
      }
      simulator.strike({ fault: "page", pool: "releng/perf" });
      assert.strictEqual(yield* seen(simulator), "200 JSON");
      simulator.strike({ fault: "page" });
      assert.strictEqual(yield* seen(simulator), "200 text");
      simulator.calm();
      assert.strictEqual(yield* seen(simulator), "200 JSON");
    }),
  );
});
