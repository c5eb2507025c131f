// Holds what a user gets who installs the packages: the command, the types, the two embeddings.

import { readFile, rm } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, foldersNamed, installApp, root, run } from "./app.ts";

let app: App;

beforeAll(async () => {
  app = await installApp();
});

afterAll(async () => {
  if (app !== undefined) await rm(app.room, { recursive: true, force: true });
});

/** With the Node that the application brings, as `npx` does it. */
const npx = (...args: ReadonlyArray<string>) =>
  run(app.folder, "npx", ["--no-install", "--loglevel=error", ...args]);

const manifestOf = async (name: string): Promise<Readonly<Record<string, unknown>>> => {
  const file = path.join(app.folder, "node_modules", name, "package.json");
  return JSON.parse(await readFile(file, "utf8")) as Readonly<Record<string, unknown>>;
};

describe("each tarball", () => {
  it("is one of ten packages", () => {
    expect(app.tarballs.map(({ name }) => name).toSorted()).toEqual(
      [
        "cli",
        "core",
        "gates",
        "gitops-runner",
        "provider-oci",
        "provider-ssh",
        "sdk",
        "server",
        "store-sql",
        "testkit",
      ].map((name) => `@muster/${name}`),
    );
  });

  it("brings the page of the daemon beside what serves it", () => {
    const server = app.tarballs.find(({ name }) => name === "@muster/server");
    const page = server?.files.map((file) => file.path).filter((file) => file.startsWith("page/"));
    expect(page?.toSorted()).toEqual(
      ["icon.svg", "index.html", "page.css", "page.js"].map((file) => `page/${file}`),
    );
  });

  it("holds what was built from its sources, and no test", () => {
    for (const { name, files } of app.tarballs) {
      const paths = files.map((file) => file.path);
      const strange = paths.filter(
        (file) => !/^(package\.json|README\.md|LICENSE|(dist|src|bin|page)\/.*)$/.test(file),
      );
      expect(strange, name).toEqual([]);
      const sources = paths.filter((file) => /^src\/.*\.ts$/.test(file));
      expect(sources.length, name).toBeGreaterThan(2);
      const built = paths.filter((file) => /^dist\/.*\.js$/.test(file));
      // A file left over from a source that is gone would be published for ever.
      expect(built.toSorted(), name).toEqual(
        sources.map((file) => file.replace(/^src/, "dist").replace(/\.ts$/, ".js")).toSorted(),
      );
      for (const file of built) expect(paths).toContain(file.replace(/\.js$/, ".d.ts"));
    }
  });

  it("says what it is, under which licence, and asks for its family in one version", async () => {
    for (const { name } of app.tarballs) {
      const manifest = await manifestOf(name);
      expect(manifest, name).toMatchObject({
        version: "0.1.0",
        license: "Apache-2.0",
        type: "module",
        engines: { node: ">=24" },
        description: expect.stringMatching(/\.$/),
      });
      expect(manifest, name).not.toHaveProperty("repository");
      for (const [wanted, version] of Object.entries(manifest["dependencies"] ?? {})) {
        if (wanted.startsWith("@muster/")) expect(version).toBe("0.1.0");
      }
    }
  });
});

describe("the installed command", () => {
  it("tells its version", async () => {
    const { code, stdout } = await npx("muster", "--version");
    expect(stdout).toContain("0.1.0");
    expect(code).toBe(0);
  });

  it("says on an older Node in one line which it needs, before it imports anything", async () => {
    const bin = path.join(app.folder, "node_modules/@muster/cli/bin/muster.js");
    const older = `Object.defineProperty(process.versions, "node", { value: "20.1.0" });
      const { registerHooks } = await import("node:module");
      registerHooks({ resolve: (to, context, next) => {
        if (to.includes("dist/")) throw new Error("imported " + to);
        return next(to, context);
      } });`;
    const { code, stdout, stderr } = await npx(
      ...[
        "node",
        "--import",
        `data:text/javascript,${encodeURIComponent(older)}`,
        bin,
        "plan",
        ".",
      ],
    );
    expect(stderr).toMatch(/^muster: needs Node 24 or newer, and this is Node 20\.1\.0: .*\n$/);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });

  it("does so on the Node of this machine, when that is an older one", async () => {
    const { stdout: version } = await run(app.folder, "node", ["--version"]);
    const bin = path.join(app.folder, "node_modules/@muster/cli/bin/muster.js");
    const { code, stdout, stderr } = await run(app.folder, "node", [bin, "--version"]);
    if (Number(/\d+/.exec(version)?.[0]) >= 24) {
      expect(stdout).toContain("0.1.0");
    } else {
      expect(stderr).toBe(
        `muster: needs Node 24 or newer, and this is Node ${version.trim().slice(1)}: install it, or run muster through npx in a project that has node@24\n`,
      );
      expect(code).toBe(1);
    }
  });

  it("checks a fleet", async () => {
    const made = await npx("muster", "init", "fleets");
    expect(made.code, made.stderr).toBe(0);
    const { code, stdout, stderr } = await npx("muster", "validate", "fleets");
    expect(`${stdout}${stderr}`).not.toBe("");
    // The new folder's OCIDs are to be replaced; that they are read and refused by name will do.
    expect([0, 1]).toContain(code);
  });
});

/** What it printed; the changes run side by side, so those lines come in any order. */
const inOrder = (stdout: string): ReadonlyArray<string> => {
  const lines = stdout.trimEnd().split("\n");
  const done = lines.filter((line) => line.endsWith(": done"));
  const at = lines.findIndex((line) => line.endsWith(": done"));
  return lines.toSpliced(at, done.length, ...done.toSorted());
};

describe("an application that embeds muster", () => {
  it("has one Effect, and no test runner", async () => {
    const modules = path.join(app.folder, "node_modules");
    const copies = await foldersNamed(modules, "effect");
    const packages = copies.filter((copy) => /(^|node_modules\/)effect$/.test(copy));
    expect(packages).toEqual(["effect"]);
    expect(await foldersNamed(modules, "vitest")).toEqual([]);
  });

  it("compiles against the published types", async () => {
    const { code, stdout } = await npx("tsc");
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });

  it("plans and applies with Effect", async () => {
    const { code, stdout, stderr } = await npx("node", "with-effect.ts");
    expect(stderr).toBe("");
    expect(inOrder(stdout)).toEqual([
      "planned 2 changes",
      ...["create:FleetConfig/shop:web-1.1: done", "create:FleetConfig/shop:web-2.1: done"],
      "now web-1.1 running, web-2.1 running",
    ]);
    expect(code).toBe(0);
  });

  it("plans and applies with promises, and can end a call", async () => {
    const { code, stdout, stderr } = await npx("node", "with-promises.ts");
    expect(stderr).toBe("");
    expect(inOrder(stdout)).toEqual([
      "planned 3 changes",
      ...[
        "create:FakeFleet/shop:web-1.1: done",
        "create:FakeFleet/shop:web-2.1: done",
        "create:FakeFleet/shop:web-3.1: done",
      ],
      "now 3 machines",
      "aborted: Error: the user left",
    ]);
    expect(code).toBe(0);
  });

  it("finds muster's spans below its own", async () => {
    const { code, stdout, stderr } = await npx("node", "with-tracing.ts");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^open the shop\n {2}reconcileOnce\n/u);
    expect(stdout).toContain("\n      apply\n        change create x 2\n");
    expect(code).toBe(0);
  });

  it.each(["with-effect.ts", "with-promises.ts", "with-tracing.ts"])(
    "keeps its process in %s",
    async (file) => {
      const text = await readFile(path.join(root, "examples/embed", file), "utf8");
      expect(text).not.toMatch(/process\.(exit|on|once|kill)|NodeRuntime|Logger/);
    },
  );
});
