// Checks `muster run`: acts once on git, says so in git, and pushes and writes nothing when all is well.

import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { condition, openRepository, present, type Repository, statusOf } from "../repository.ts";
import { inWorld, type World } from "../world.ts";

const profile = ["--allow-profile", "DEFAULT"];
const command = (repository: Repository, ...args: ReadonlyArray<string>) => [
  ...["run", "--repo", repository.url, "--once"],
  ...args,
];

describe("muster run --once", () => {
  it(
    "makes the fleet so, says it in git, and the second time pushes and writes nothing",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      const head = await repository.commit({ "fleets/web.yaml": fleet(2) });
      const first = await world.muster(command(repository, ...profile));
      expect(first.code).toBe(0);
      expect(first.stdout).toContain(`source  ${head.slice(0, 12)}  SourceVerified=Unknown`);
      expect(first.stdout).toContain("Done: 2 created, 0 removed");
      expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
      const status = statusOf(repository, "fleets/FleetConfig.web.status.json");
      expect(condition(status, "Ready")).toBe("True");
      expect(status.members).toHaveLength(2);
      expect(repository.refs()).toContain(`refs/heads/main ${head}`);

      const refs = repository.refs();
      const pushes = repository.pushes();
      const second = await world.muster(command(repository, ...profile));
      expect(second.code).toBe(0);
      expect(second.stdout).toContain("status: nothing new to say, nothing pushed");
      expect(repository.refs()).toBe(refs);
      expect(repository.pushes()).toBe(pushes);
      expect(world.simulator.journal()).toHaveLength(2);
      const written = world.simulator.requests().filter(({ method }) => method !== "GET");
      expect(written).toHaveLength(2);
    }),
  );

  it(
    "pushes nothing either when only the commit is new",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      await world.inside(command(repository, ...profile));
      const pushes = repository.pushes();
      await repository.commit({ "web.yaml": fleet(1), "README.md": "words" });
      const ran = await world.inside(command(repository, ...profile));
      expect(ran).toMatchObject({ code: 0 });
      expect(repository.pushes()).toBe(pushes + 1);
    }),
  );

  it(
    "sees only what lies at --path, and keeps environments apart",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({
        "prod/web.yaml": fleet(1, { name: "prod" }),
        "test/web.yaml": fleet(2, { name: "test" }),
        "broken.yaml": "kind: [",
      });
      const prod = command(repository, ...profile, "--path", "prod", "--env", "prod");
      expect(await world.inside(prod)).toMatchObject({ code: 0 });
      expect(accepted(world.simulator).launches).toBe(1);
      const test = command(repository, ...profile, "--path", "./test/", "--env", "test");
      expect(await world.inside(test)).toMatchObject({ code: 0 });
      const branches = repository.refs();
      for (const environment of ["prod", "test"]) {
        for (const what of ["status", "audit", "lease"]) {
          expect(branches).toContain(`refs/heads/muster/${what}/${environment} `);
        }
      }
      expect(branches).not.toContain("/default ");
      const owners = world.simulator.instances().map((one) => one.freeformTags["muster-owner"]!);
      expect(new Set(owners).size).toBe(2);
      expect(owners.filter((owner) => owner.endsWith("#test"))).toHaveLength(2);
    }),
  );

  it.each(["Prod", "a b", "../x", "", "x".repeat(41), "a/b", "ä"])(
    "refuses %j as an environment",
    (environment) =>
      inWorld(async (world) => {
        const repository = await openRepository(world);
        await repository.commit({ "web.yaml": fleet(1) });
        const ran = await world.inside(command(repository, ...profile, "--env", environment));
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("use 1 to 40 of a-z, 0-9 and -");
        expect(repository.pushes()).toBe(1);
        expect(world.files("state")).toEqual([]);
      })(),
  );

  it.each(["../outside", "/etc", "a/../../b", ".git", "none"])("refuses --path %j", (folder) =>
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const ran = await world.inside(command(repository, ...profile, "--path", folder));
      expect([1, 2]).toContain(ran.code);
      expect(ran.stderr).toMatch(/^muster: .*\n {2}\S/u);
      expect(world.simulator.requests()).toEqual([]);
      expect(repository.pushes()).toBe(1);
    })(),
  );

  it.each([
    [
      "https://ann:hunter2@git.example.com/x",
      /user name or password\n {2}take it out .*MUSTER_GIT_TOKEN/u,
    ],
    ["https://hunter2@git.example.com/x", /user name or password/u],
    ["https://git.example.com/x?token=hunter2", /query or a fragment/u],
    ["https://git.example.com", /names no repository/u],
    ["http://git.example.com/x", /scheme "?http"? is not supported/u],
    ["ext::sh -c 'touch owned'", /space or a control character|remote helpers/u],
    ["ext::sh", /remote helpers/u],
    ["--upload-pack=touch", /relative path|not supported/u],
    ["fleets.git", /relative path\n {2}give the absolute path/u],
    ["file://host/x", /must begin with file:\/\/\//u],
  ])("refuses the address %s", (address, told) =>
    inWorld(async (world) => {
      const ran = await world.inside(["run", `--repo=${address}`, "--once", ...profile]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(told);
      expect(ran.stderr).not.toContain("hunter2");
      expect(world.files("state")).toEqual([]);
    })(),
  );

  it(
    "says what is missing or cannot be: the repository, the branch, a duration",
    inWorld(async (world) => {
      const none = await world.inside(["run", "--repo", world.at("none.git"), "--once"]);
      expect(none.code).toBe(2);
      expect(none.stderr).toMatch(/no repository folder at .*\n {2}check the path/u);
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const branch = await world.inside(command(repository, "--branch", "prod", ...profile));
      expect(branch.code).toBe(2);
      expect(branch.stderr).toMatch(/prod[^]*\n {2}check the name/u);
      for (const [flag, told] of [
        ["--interval=soon", /--interval "?soon"? is no duration\n {2}give a whole number/u],
        ["--once --interval=5s", /--once ends after one turn[^]*\n {2}leave them out/u],
        ["--interval=10ms", /out of bounds\n {2}give at least 1s/u],
        ["--lease-ttl=1h", /out of bounds\n {2}give at least 20s and at most 120s/u],
        ["--output=json", /no result to print as JSON\n {2}add --once/u],
      ] as const) {
        const loop = await world.inside(["run", "--repo", repository.url, ...flag.split(" ")]);
        expect(loop.code).toBe(1);
        expect(loop.stderr).toMatch(told);
      }
      expect(world.simulator.requests()).toEqual([]);
    }),
  );
});

describe("credentials of a watched repository", () => {
  const auth = (text: string) => ({ "web.yaml": fleet(1, { auth: text }) });

  it(
    "are those that the operator lists: others are denied, with the remedy",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit(auth("{ method: user, profile: ADMIN }"));
      const ran = await world.muster(command(repository, ...profile));
      expect(ran.code).toBe(2);
      expect(ran.stdout).toMatch(/lists no profile "ADMIN", only DEFAULT/u);
      expect(ran.stdout.match(/--allow-profile/gu)).toHaveLength(1);
      expect(world.simulator.requests()).toEqual([]);
      expect(condition(statusOf(repository), "Ready")).toBe("Unknown");
    }),
  );

  it(
    "are never a file that the document names",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      const file = world.env["OCI_CLI_CONFIG_FILE"]!;
      await repository.commit(auth(`{ method: user, profile: DEFAULT, configFile: ${file} }`));
      const ran = await world.inside(command(repository, ...profile));
      expect(ran.code).toBe(2);
      expect(ran.stdout).toContain("remove spec.auth.configFile");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "come from --allow-profile NAME=FILE, whatever the environment says",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit(auth("{ method: user, profile: OPS }"));
      const config = readFileSync(world.env["OCI_CLI_CONFIG_FILE"]!, "utf8");
      const file = await world.write("ops/config", config.replace("[DEFAULT]", "[OPS]"));
      const ran = await world.inside(command(repository, "--allow-profile", `OPS=${file}`), {
        env: { OCI_CLI_CONFIG_FILE: world.at("none") },
      });
      expect(ran).toMatchObject({ code: 0 });
      expect(accepted(world.simulator).launches).toBe(1);
    }),
  );
});

describe("muster run --allow-profile", () => {
  it.each(["", "=x", "NAME="])("refuses %j", (given) =>
    inWorld(async (world) => {
      const repository = await openRepository(world);
      const ran = await world.inside(command(repository, `--allow-profile=${given}`));
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/names no (profile|file)\n {2}give NAME, or NAME=CONFIG_FILE/u);
    })(),
  );
});

describe("a remote that refuses", () => {
  it(
    "is told before anything is launched",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const hook = await world.write("fleets.git/hooks/pre-receive", "#!/bin/sh\nexit 1\n");
      chmodSync(hook, 0o755);
      const ran = await world.inside(command(repository, ...profile));
      expect(ran.code).toBe(2);
      expect(ran.stderr).toMatch(
        /refused to move refs\/heads\/muster.*\n {2}allow muster to write/u,
      );
      expect(accepted(world.simulator).launches).toBe(0);
    }),
  );
});

const makeSigner = (world: World) => {
  const key = world.at("signer");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", key]);
  return {
    allowed: `ann@example.com namespaces="git" ${readFileSync(`${key}.pub`, "utf8")}`,
    commands: ["gpg.format=ssh", `user.signingkey=${key}`] as const,
  };
};

describe("muster run --allowed-signers", () => {
  it.skipIf(!present("ssh-keygen"))(
    "acts on signed commits, and plans but never applies unsigned ones",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      const signer = makeSigner(world);
      const file = await world.write("signers", signer.allowed);
      for (const setting of signer.commands) {
        repository.git("config", ...setting.split("=", 2));
      }
      await repository.commit({ "web.yaml": fleet(1) }, "-S");
      const args = command(repository, ...profile, "--allowed-signers", file);
      const signed = await world.inside(args);
      expect(signed).toMatchObject({ code: 0 });
      expect(signed.stdout).toContain("SourceVerified=True");
      expect(condition(statusOf(repository), "SourceVerified")).toBe("True");

      await repository.commit({ "web.yaml": fleet(3) });
      const unsigned = await world.muster(args);
      expect(unsigned.code).toBe(5);
      expect(unsigned.stdout).toContain("SourceVerified=False");
      expect(unsigned.stdout).toMatch(/\+ create {3}web-2\.1[^]*Plan: 2 to create/u);
      expect(accepted(world.simulator).launches).toBe(1);
      expect(condition(statusOf(repository), "SourceVerified")).toBe("False");
      const json = await world.inside([...args, "-o", "json"]);
      expect(json.code).toBe(5);
      expect(JSON.parse(json.stdout)).toMatchObject({
        verdict: "refused",
        left: [{ changes: [{ action: "create" }, { action: "create" }, { action: "keep" }] }],
      });

      // Signing the next commit does not vouch for the one before it.
      await repository.commit({ "web.yaml": fleet(2) }, "-S");
      expect((await world.inside(args)).code).toBe(5);
      expect(accepted(world.simulator).launches).toBe(1);
    }),
  );

  it(
    "without the file, or with one that holds nobody, acts on nothing",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const absent = await world.inside(
        command(repository, ...profile, "--allowed-signers", world.at("none")),
      );
      expect(absent.code).toBe(1);
      expect(absent.stderr).toMatch(/none.*\n {2}\S/u);
      const empty = await world.write("empty", "");
      const nobody = await world.inside(
        command(repository, ...profile, "--allowed-signers", empty),
      );
      expect(nobody.code).toBeGreaterThan(0);
      const both = ["--allowed-signers", empty, "--allowed-keyring", empty];
      expect((await world.inside(command(repository, ...profile, ...both))).code).toBe(1);
      expect(world.simulator.journal()).toEqual([]);
    }),
  );
});

describe("a rewritten history", () => {
  it(
    "is planned and not applied, until it is whole again",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const second = await repository.commit({ "web.yaml": fleet(2) });
      const args = command(repository, ...profile);
      await world.inside(args);
      const before = living(world.simulator);

      repository.git("reset", "-q", "--hard", "HEAD~1");
      await repository.commit({ "web.yaml": fleet(0) });
      const ran = await world.inside(args);
      expect(ran.code).toBe(5);
      expect(ran.stdout).toContain("the history was rewritten");
      // What is to be looked at before anybody accepts it.
      expect(ran.stdout).toContain("Plan: 0 to create, 2 to remove");
      expect(living(world.simulator)).toEqual(before);
      expect(condition(statusOf(repository), "SourceVerified")).toBe("False");
      expect((await world.inside(args)).code).toBe(5);

      repository.git("reset", "-q", "--hard", second);
      await repository.commit({ "web.yaml": fleet(1) });
      const whole = await world.inside(args);
      expect(whole).toMatchObject({ code: 0 });
      expect(living(world.simulator)).toHaveLength(1);
    }),
  );
});
