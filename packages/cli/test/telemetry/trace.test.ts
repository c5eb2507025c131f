// Holds what a run tells a collector: every step, under its parent, within its time, errors named, no secret.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { metrics } from "@muster/core/report/telemetry";
import { type Collector, openCollector, type Span } from "../collector.ts";
import { fleet } from "../fleet.ts";
import { openRepository } from "../repository.ts";
import { inWorld, type World } from "../world.ts";

const phrase = "PHRASE-77c2-marker";
const token = "TOKEN-51de-marker";

const withCollector =
  (use: (world: World, collector: Collector) => Promise<void>, options = {}) =>
  (): Promise<void> =>
    inWorld(async (world) => {
      const collector = await openCollector();
      try {
        await use(world, collector);
      } finally {
        await collector.close();
      }
    }, options)();

const runOf = (url: string) => [...["run", "--repo", url, "--once", "--allow-profile", "DEFAULT"]];

const parentNames = (spans: ReadonlyArray<Span>, span: Span): ReadonlyArray<string> => {
  const parent = spans.find(({ spanId }) => spanId === span.parentId);
  return parent === undefined ? [] : [parent.name, ...parentNames(spans, parent)];
};

/** Where spans of a name hang, from the parent up to the root; each way once. */
const waysOf = (spans: ReadonlyArray<Span>, name: string): ReadonlyArray<string> => [
  ...new Set(
    spans.filter((span) => span.name === name).map((span) => parentNames(spans, span).join(" < ")),
  ),
];

describe("the trace of a run", () => {
  it(
    "has every step under its parent, within its time, and is linked to its commit",
    withCollector(async (world, collector) => {
      const repository = await openRepository(world);
      const head = await repository.commit({ "web.yaml": fleet(2) });
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=one%2Cof%20two",
      };
      const ran = await world.inside(runOf(repository.url), { env });
      expect(ran.code, ran.stderr).toBe(0);

      const spans = collector.spans();
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
      const roots = spans.filter(({ parentId }) => parentId === null);
      expect(roots.map(({ name, kind, status }) => [name, kind, status])).toEqual([
        ["SYNC muster", "SPAN_KIND_SERVER", "STATUS_CODE_OK"],
      ]);
      const root = roots[0]!;
      // Who reads the status finds the trace.
      repository.git("fetch", "-q", "origin", "muster/status/default");
      expect(
        repository.git(
          "log",
          "-1",
          "--format=%(trailers:key=Muster-Trace,valueonly)",
          "FETCH_HEAD",
        ),
      ).toBe(root.traceId);
      expect(root.attributes).toMatchObject({
        "cicd.pipeline.name": "muster",
        "cicd.pipeline.action.name": "SYNC",
        "cicd.pipeline.run.id": expect.stringMatching(/^[0-9a-f-]{36}$/u),
        "cicd.pipeline.result": "success",
        "vcs.repository.url.full": repository.url,
        "vcs.ref.head.name": "main",
        "vcs.ref.head.revision": head,
        "deployment.environment.name": "default",
      });
      // Whoever knows repository, commit and environment finds the run: computed here anew.
      const normalised = repository.url.replace(/\.git$/u, "");
      const digest = createHash("sha256").update(`${normalised}\n${head}\ndefault`).digest("hex");
      expect(root.links).toEqual([{ traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) }]);

      const top = "SYNC muster";
      const turn = `reconcileOnce < ${top}`;
      const applying = `apply < unit < ${turn}`;
      const change = `change create < ${applying}`;
      for (const name of ["ls-remote", "fetch", "read"]) {
        expect(waysOf(spans, `git ${name}`), name).toEqual([top]);
      }
      expect(waysOf(spans, "read")).toEqual([turn]);
      // Once at first, and once more after the work on the document.
      const looks = [`look < ${turn}`, `look < unit < ${turn}`];
      expect(waysOf(spans, "observe")).toEqual(looks);
      expect(waysOf(spans, "plan")).toEqual(looks);
      expect(waysOf(spans, "change create")).toEqual([applying]);
      expect(waysOf(spans, "oci LaunchInstance")).toEqual([change]);
      const observing = looks.map((look) => `observe resource < observe < ${look}`);
      expect(waysOf(spans, "oci ListInstances").toSorted()).toEqual(
        [change, ...observing].toSorted(),
      );
      expect(waysOf(spans, "store commit")).toContain(change);
      expect(waysOf(spans, "report")).toEqual([turn]);
      expect(waysOf(spans, "git push")).toEqual([turn, `publish < ${top}`]);

      const byId = new Map(spans.map((span) => [span.spanId, span]));
      expect(byId.size).toBe(spans.length);
      for (const span of spans) {
        expect(span.end >= span.start, span.name).toBe(true);
        if (span.parentId === null) continue;
        const parent = byId.get(span.parentId);
        expect(parent, `parent of ${span.name}`).toBeDefined();
        expect(span.start >= parent!.start && span.end <= parent!.end, span.name).toBe(true);
      }
      expect(root.end - root.start).toBeGreaterThan(100_000_000n);
      const launched = spans.filter(({ name }) => name === "oci LaunchInstance");
      expect(launched).toHaveLength(2);
      expect(launched[0]!.attributes).toMatchObject({
        "cloud.provider": "oracle_cloud",
        "cloud.region": "us-phoenix-1",
      });
      const members = spans
        .filter(({ name }) => name === "change create")
        .map(({ attributes }) =>
          [attributes["muster.member"], attributes["muster.result"]].join(" "),
        );
      expect(members.toSorted()).toEqual(["web-1.1 done", "web-2.1 done"]);

      const known = new Set(Object.values(metrics).map(({ id }) => id));
      const sent = collector.metrics();
      expect([...sent.keys()].filter((name) => !known.has(name))).toEqual([]);
      for (const name of ["cicd.pipeline.run.duration", "muster.changes", "muster.members"]) {
        expect(sent.has(name), name).toBe(true);
      }
      const labels = [...sent.values()].flat().flatMap((one) => Object.values(one));
      expect(labels.filter((one) => /ocid1|[0-9a-f]{32}/u.test(String(one)))).toEqual([]);

      const logs = collector.logs();
      expect(logs.map(({ attributes }) => attributes["event.name"])).toContain("change.finished");
      for (const { traceId, spanId } of logs) {
        expect(traceId).toBe(root.traceId);
        expect(byId.has(spanId ?? "")).toBe(true);
      }
      for (const resource of collector.resources()) {
        expect(resource).toMatchObject({
          "service.name": "muster",
          "service.version": "0.1.0",
          "service.instance.id": "one,of two",
        });
      }
    }),
  );

  it(
    "names its errors: a call that was tried again, and a change that failed",
    withCollector(async (world, collector) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const error = (status: number, code: string, message: string) => ({
        status,
        code,
        message,
      });
      world.simulator.faults.set([
        { operation: "ListInstances", nth: 1, answer: error(500, "InternalServerError", "oh") },
        { operation: "LaunchInstance", answer: error(400, "InvalidParameter", "no\u001b[2Jshape") },
      ]);
      const ran = await world.inside(runOf(repository.url), {
        env: {
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
          OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
          OTEL_SERVICE_NAME: "keeper",
          TRACEPARENT: `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`,
        },
      });
      expect(ran.code).toBe(2);
      expect(collector.requests()).toEqual([{ path: "/v1/traces", type: "application/json" }]);
      expect(collector.resources()[0]).toMatchObject({ "service.name": "keeper" });
      const spans = collector.spans();
      expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(["a1".repeat(16)]));
      const failed = spans.filter(({ attributes }) => attributes["error.type"] !== undefined);
      const told = failed.map(({ name, attributes }) =>
        [name, attributes["error.type"]].join(": "),
      );
      expect([...new Set(told)].toSorted()).toEqual([
        "SYNC muster: infrastructure failed",
        "change create: Invalid",
        "observe resource: Unreachable",
        "oci LaunchInstance: Invalid",
        "oci ListInstances: Unreachable",
      ]);
      for (const span of failed) {
        expect(span.exceptions, span.name).toHaveLength(1);
        expect(span.exceptions[0]).not.toContain("\u001b");
      }
      const root = spans.find(({ name }) => name === "SYNC muster")!;
      expect(root.parentId).toBe("b2".repeat(8));
      expect(root.attributes["cicd.pipeline.result"]).toBe("error");
      const launch = failed.find(({ name }) => name === "oci LaunchInstance")!;
      expect(Number(launch.attributes["http.response.status_code"])).toBe(400);
      // The second try of the look says that it is one.
      const resent = spans.filter(({ attributes }) => attributes["http.request.resend_count"]);
      expect(resent.map(({ name }) => name)).toContain("oci ListInstances");
    }),
  );

  it(
    "of plan and apply hangs below a span of the command",
    withCollector(async (world, collector) => {
      const file = await world.write("web.yaml", fleet(1));
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
      for (const args of [
        ["plan", file, "--detailed-exitcode"],
        ["apply", file],
      ]) {
        await world.inside(args, { env });
      }
      const roots = collector.spans().filter(({ parentId }) => parentId === null);
      expect(
        roots.map(({ name, attributes }) => [name, attributes["cicd.pipeline.result"]]),
      ).toEqual([
        ["RUN muster plan", "success"],
        ["RUN muster apply", "success"],
      ]);
    }),
  );

  it(
    "holds no secret, in good and in bad times",
    withCollector(
      async (world, collector) => {
        const config = world.env["OCI_CLI_CONFIG_FILE"]!;
        const key = readFileSync(path.join(path.dirname(config), "key.pem"), "utf8");
        const lines = key.split("\n").filter((line) => line.length === 64);
        expect(lines.length).toBeGreaterThan(10);
        const basic = Buffer.from(`x:${token}`).toString("base64");
        const env = {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          MUSTER_GIT_TOKEN: token,
          MUSTER_GIT_USERNAME: "x",
        };
        const repository = await openRepository(world);
        await repository.commit({ "web.yaml": fleet(1) });
        const take = async (args: ReadonlyArray<string>, more = {}) =>
          (await world.inside([...args, "--log-level", "all"], { env: { ...env, ...more } })).code;
        expect(await take(runOf(repository.url))).toBe(0);
        const good = readFileSync(config, "utf8");
        const bad = await world.write("bad/1", good.replace(phrase, `${phrase}x`));
        await repository.commit({ "web.yaml": fleet(2) });
        expect(await take(runOf(repository.url), { OCI_CLI_CONFIG_FILE: bad })).toBe(2);
        const worse = await world.write("bad/2", key);
        expect(await take(runOf(repository.url), { OCI_CLI_CONFIG_FILE: worse })).toBe(2);
        expect(await take(runOf("https://127.0.0.1:1/x"))).toBe(2);
        expect(await take(runOf(`https://x:${token}@127.0.0.1:1/x`))).toBe(1);
        expect(collector.spans().filter(({ name }) => name === "SYNC muster").length).toBe(4);
        const bytes = collector.bytes();
        expect(bytes.length).toBeGreaterThan(20_000);
        for (const marker of [phrase, token, basic, ...lines]) expect(bytes).not.toContain(marker);
      },
      { passPhrase: phrase },
    ),
  );
});
