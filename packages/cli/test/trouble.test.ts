// Checks that every trouble ends with the right code, in words, and with what to do about it.

import { createServer } from "node:http";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet } from "./fleet.ts";
import { openRepository } from "./repository.ts";
import { inWorld, type Ran, type World } from "./world.ts";

/** A port where nobody listens any more. */
const closedEndpoint = async (): Promise<string> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
};

const words = (ran: Ran) => ran.stdout + ran.stderr;

const begin = async (world: World, count = 1) => {
  const file = await world.write("fleets/web.yaml", fleet(count));
  return { file, apply: ["apply", file], plan: ["plan", file] };
};

describe("without a network", () => {
  it(
    "apply and plan end with 2, not 7, and say what they could not reach",
    inWorld(async (world) => {
      const { apply, plan } = await begin(world);
      const env = { MUSTER_OCI_ENDPOINT: await closedEndpoint() };
      for (const args of [apply, plan]) {
        const ran = await world.inside(args, { env });
        expect(ran.code).toBe(2);
        expect(words(ran)).toMatch(/ECONNREFUSED|refused|reach/u);
        expect(words(ran)).toMatch(/\n +\S.*(network|endpoint|again)/u);
        expect(words(ran)).not.toContain("internal error");
      }
    }),
  );

  it(
    "a run ends with 2, too, and says so in git once",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const env = { MUSTER_OCI_ENDPOINT: await closedEndpoint() };
      const run = ["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"];
      expect((await world.inside(run, { env })).code).toBe(2);
      const pushes = repository.pushes();
      expect((await world.inside(run, { env })).code).toBe(2);
      expect(repository.pushes()).toBe(pushes);
    }),
  );

  it(
    "that is gone in the middle of a launch ends with 7, and the next apply settles it",
    inWorld(async (world) => {
      const { apply } = await begin(world, 2);
      // Looking works until the launch: then nothing does.
      world.simulator.faults.set([
        { operation: "LaunchInstance", answer: "cut" },
        { operation: "GetWorkRequest", answer: "drop" },
        { operation: "GetInstance", answer: "drop" },
      ]);
      const ran = await world.inside(apply);
      expect(ran.code).toBe(7);
      expect(words(ran)).toMatch(/\? create web-1\.1/u);
      expect(accepted(world.simulator).launches).toBe(2);
      world.simulator.faults.clear();
      expect((await world.inside(apply)).code).toBe(0);
      expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
    }),
  );
});

describe("credentials", () => {
  it(
    "with a wrong pass phrase, or none, name file and line but no phrase",
    inWorld(
      async (world) => {
        const { apply } = await begin(world);
        const config = world.env["OCI_CLI_CONFIG_FILE"]!;
        const good = readFileSync(config, "utf8");
        writeFileSync(config, good.replace("correct horse", "wrong-battery"));
        const wrong = await world.inside(apply);
        expect(wrong.code).toBe(2);
        expect(words(wrong)).toMatch(/key\.pem \(.*config:7\)/u);
        expect(words(wrong)).toMatch(/pass.?phrase/u);
        expect(words(wrong)).not.toMatch(/wrong-battery|correct horse/u);
        expect(words(wrong)).toMatch(/\n {2}\S/u);
        writeFileSync(config, good.replace(/pass_phrase=.*\n/u, ""));
        const none = await world.inside(apply);
        expect(none.code).toBe(2);
        expect(words(none)).toMatch(/pass_phrase/u);
        writeFileSync(config, good);
        expect((await world.inside(apply)).code).toBe(0);
      },
      { passPhrase: "correct horse" },
    ),
  );

  it(
    "that are not there are told with the ways to make them",
    inWorld(async (world) => {
      const { apply, plan } = await begin(world);
      for (const args of [apply, plan]) {
        const ran = await world.inside(args, { env: { OCI_CLI_CONFIG_FILE: undefined } });
        expect(ran.code).toBe(2);
        expect(words(ran)).toContain(`${world.at("home")}/.oci/config cannot be read`);
        expect(words(ran)).toContain("oci setup config");
      }
      const profile = fleet(1, { auth: "{ method: user, profile: OTHER }" });
      const other = await world.inside(["apply", await world.write("fleets/web.yaml", profile)]);
      expect(other.code).toBe(2);
      expect(words(other)).toContain("has no profile [OTHER]");
      expect(words(other)).toContain("spec.auth.profile: DEFAULT");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "that OCI does not know are denied, in its words",
    inWorld(async (world) => {
      const { apply } = await begin(world);
      const config = world.env["OCI_CLI_CONFIG_FILE"]!;
      writeFileSync(
        config,
        readFileSync(config, "utf8").replace(/user=.*/u, "user=ocid1.user.oc1..nobody"),
      );
      const ran = await world.inside(apply);
      expect(ran.code).toBe(2);
      expect(words(ran)).toContain("NotAuthenticated");
      expect(words(ran)).toMatch(/\n {2}\S/u);
      expect(accepted(world.simulator).launches).toBe(0);
    }),
  );

  it.each(["http://example.com", "ftp://127.0.0.1", "nonsense", "https://u:hunter2@127.0.0.1/"])(
    "never go to the endpoint %s",
    (endpoint) =>
      inWorld(async (world) => {
        const { apply } = await begin(world);
        const ran = await world.inside(apply, { env: { MUSTER_OCI_ENDPOINT: endpoint } });
        expect(ran.code).toBe(2);
        expect(words(ran)).toContain("MUSTER_OCI_ENDPOINT");
        expect(words(ran)).not.toContain("hunter2");
        expect(world.simulator.requests()).toEqual([]);
      })(),
  );
});

describe("a store", () => {
  const refused = (ran: Ran, told: RegExp) => {
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(told);
    expect(ran.stdout).toBe("");
  };

  it(
    "of a newer version, of another application, or that is no store is left as it is",
    inWorld(async (world) => {
      const { apply, plan } = await begin(world);
      const store = world.at("store.db");
      const here = ["--store", `sqlite:${store}`];
      await world.inside([...apply, ...here]);
      const requests = world.simulator.requests().length;
      const database = new DatabaseSync(store);
      database.exec("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE);");
      database.close();
      const newer = readFileSync(store);
      for (const args of [apply, plan]) {
        const ran = await world.inside([...args, ...here]);
        refused(
          ran,
          /^muster: sqlite:[^ ]+: the store was written by a newer muster: .* 99.*\n {2}use the newer/u,
        );
      }
      refused(await world.inside(["audit", "verify", ...here]), /newer muster/u);
      expect(readFileSync(store).equals(newer)).toBe(true);

      const foreign = new DatabaseSync(world.at("foreign.db"));
      foreign.exec("CREATE TABLE t (x)");
      foreign.close();
      const other = ["--store", `sqlite:${world.at("foreign.db")}`];
      refused(
        await world.inside([...apply, ...other]),
        /another application\n {2}name another path/u,
      );
      const text = await world.write("notes.txt", "not a store");
      refused(
        await world.inside([...apply, "--store", `sqlite:${text}`]),
        /not a store of muster\n {2}name another path/u,
      );
      expect(readFileSync(text, "utf8")).toBe("not a store");
      expect(world.simulator.requests()).toHaveLength(requests);
    }),
  );

  it(
    "that is damaged or cannot be opened is told",
    inWorld(async (world) => {
      const { apply } = await begin(world);
      mkdirSync(world.at("folder"));
      const folder = await world.inside([...apply, "--store", `sqlite:${world.at("folder")}`]);
      refused(folder, /the path is a folder\n {2}name a file/u);
      const below = await world.write("file", "x");
      refused(
        await world.inside([...apply, "--store", `sqlite:${below}/store.db`]),
        /^muster: .*\n {2}\S/u,
      );
      const store = world.at("store.db");
      await world.inside([...apply, "--store", `sqlite:${store}`]);
      const bytes = readFileSync(store);
      bytes.fill(0xaa, 4096);
      writeFileSync(store, bytes);
      for (const suffix of ["-wal", "-shm"]) writeFileSync(store + suffix, "");
      refused(
        await world.inside([...apply, "--store", `sqlite:${store}`]),
        /^muster: .*(damaged|expects).*\n {2}stop all that use it/u,
      );
    }),
  );

  it.skipIf(process.getuid?.() === 0)(
    "that this user may not read is told",
    inWorld(async (world) => {
      const { apply } = await begin(world);
      const store = world.at("store.db");
      await world.inside([...apply, "--store", `sqlite:${store}`]);
      chmodSync(store, 0);
      const ran = await world.inside([...apply, "--store", `sqlite:${store}`]);
      refused(ran, /^muster: .*\n {2}give this user read and write access/u);
    }),
  );

  it.each([
    ...["mysql://u:hunter2@db/x", "postgres://u:hunter2@db/x?sslmode=prefer"],
    ...["postgres://:hunter2@db", "sqlite:", "sqlite://x", "store.db", "memory:x"],
  ])("called %s is refused in words", (place) =>
    inWorld(async (world) => {
      const { apply } = await begin(world);
      const ran = await world.inside([...apply, "--store", place]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/^muster: the store cannot be used: .*\n {2}\S/u);
      expect(ran.stderr).not.toContain("hunter2");
      expect(world.simulator.requests()).toEqual([]);
    })(),
  );
});

describe("the operator's configuration", () => {
  it(
    "that cannot be loaded, or is none, ends with 1",
    inWorld(async (world) => {
      const { plan } = await begin(world);
      const none = await world.inside([...plan, "--config", world.at("none.ts")]);
      expect(none.code).toBe(1);
      expect(none.stderr).toMatch(/cannot load the configuration .*none\.ts/u);
      const empty = await world.write("empty.mjs", "export const x = 1;\n");
      const ran = await world.inside([...plan, "--config", empty]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/has no default export\n {2}write: export default/u);
      const throwing = await world.write("throwing.mjs", "throw new Error('as it pleases');\n");
      expect((await world.inside([...plan, "--config", throwing])).stderr).toContain(
        "as it pleases",
      );
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "is never looked for: not in the folder, not beside the documents, not in the repository",
    inWorld(async (world) => {
      const trap = `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(world.at("owned"))}, "x"); export default {};\n`;
      for (const folder of ["", "fleets/"]) {
        await world.write(`${folder}muster.config.ts`, trap);
        await world.write(`${folder}muster.config.mjs`, trap);
      }
      await begin(world);
      expect((await world.muster(["plan", "fleets"])).code).toBe(0);
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1), "muster.config.ts": trap });
      const run = ["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"];
      expect((await world.inside(run)).code).toBe(0);
      expect(world.files(".")).not.toContain("owned");
    }),
  );
});
