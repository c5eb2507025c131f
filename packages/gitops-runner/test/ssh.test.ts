// Holds how muster speaks to an ssh remote: a real sshd, a vouched key, and nothing of the user's configuration.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { fetchBranch } from "../src/fetch.ts";
import { Git } from "../src/git.ts";
import { push } from "../src/publish.ts";
import { sshCommandOf } from "../src/ssh.ts";
import { commitTree } from "../src/tree.ts";
import { resolveRepository } from "../src/url.ts";
import { gitLayer, makeSandbox, plainGit, present, temporaryFolder } from "./sandbox.ts";
import { freePort, makeKey, sshdPresent, startSshServer, type SshServer } from "./ssh-server.ts";

const environmentFor = (server: SshServer, more: Record<string, string> = {}) => ({
  PATH: process.env["PATH"],
  HOME: server.folder,
  MUSTER_GIT_SSH_KNOWN_HOSTS: server.knownHosts,
  MUSTER_GIT_SSH_KEY: server.key,
  ...more,
});

const makeRemote = Effect.gen(function* () {
  const sandbox = yield* makeSandbox;
  sandbox.commit({ "a.yaml": "1" });
  sandbox.pushMain();
  const server = yield* startSshServer(yield* temporaryFolder);
  const address = `ssh://${server.user}@127.0.0.1:${server.port}${sandbox.remote}`;
  const fetchAs = (environment: Record<string, string | undefined>, url = address) =>
    Effect.gen(function* () {
      const repository = yield* resolveRepository(url);
      const request = { repository, branch: "main", environment: "default", cache: sandbox.cache };
      return yield* fetchBranch(request);
    }).pipe(Effect.provide(Git.layer({ environment })));
  return { sandbox, server, address, fetchAs };
});

const test = <A, E>(name: string, body: Effect.Effect<A, E, Git | import("effect/Scope").Scope>) =>
  it.live(name, () => Effect.provide(body, gitLayer));

describe.skipIf(!sshdPresent() || !present("ssh"))("an ssh remote", () => {
  test(
    "is fetched from and pushed to, with one vouched host key and one named key",
    Effect.gen(function* () {
      const { sandbox, server, address, fetchAs } = yield* makeRemote;
      const { cache } = sandbox;
      const environment = environmentFor(server);
      expect((yield* fetchAs(environment)).head).toBe(sandbox.at("refs/heads/main"));
      const to = yield* commitTree({
        ...{ cache, files: new Map([["a", "a"]]), parents: [], subject: "x" },
      });
      const ref = "refs/heads/muster/lease/default";
      yield* Effect.gen(function* () {
        const repository = yield* resolveRepository(address);
        yield* push({ cache, repository, updates: [{ ref, to, expected: null }] });
      }).pipe(Effect.provide(Git.layer({ environment })));
      expect(sandbox.at(ref)).toBe(to);
      const gone = yield* Effect.flip(fetchAs(environment, `${address}-nowhere`));
      expect(gone.reason).toBe("RepositoryMissing");
    }),
  );

  test(
    "is refused when nobody vouched for its key, and says how to",
    Effect.gen(function* () {
      const { server, fetchAs } = yield* makeRemote;
      const empty = join(server.folder, "none");
      const unknown = yield* Effect.flip(
        fetchAs(environmentFor(server, { MUSTER_GIT_SSH_KNOWN_HOSTS: empty })),
      );
      expect(unknown.reason).toBe("HostKeyUnknown");
      expect(unknown.message).toContain("host key is known for");
      expect(unknown.remedy).toContain(`ssh-keyscan -p ${server.port} 127.0.0.1 > host.key`);
      expect(unknown.remedy).toContain(`cat host.key >> ${empty}`);
      expect(existsSync(empty)).toBe(false);
      // The remedy works: what it adds is what is accepted.
      const scan = ["-t", "ed25519", "-p", String(server.port), "127.0.0.1"];
      writeFileSync(
        empty,
        execFileSync("ssh-keyscan", scan, { stdio: ["ignore", "pipe", "ignore"] }),
      );
      yield* fetchAs(environmentFor(server, { MUSTER_GIT_SSH_KNOWN_HOSTS: empty }));
    }),
  );

  test(
    "is refused when its key is another than the vouched one",
    Effect.gen(function* () {
      const { server, fetchAs } = yield* makeRemote;
      const other = makeKey(join(server.folder, "other"));
      const file = join(server.folder, "changed");
      writeFileSync(file, `[127.0.0.1]:${server.port} ${other}\n`);
      const environment = environmentFor(server, { MUSTER_GIT_SSH_KNOWN_HOSTS: file });
      const changed = yield* Effect.flip(fetchAs(environment));
      expect(changed.reason).toBe("HostKeyChanged");
      expect(changed.remedy).toContain("ask who runs it");
      writeFileSync(file, `@revoked ${readFileSync(server.knownHosts, "utf8")}`);
      expect((yield* Effect.flip(fetchAs(environment))).reason).toBe("HostKeyChanged");
    }),
  );

  test(
    "denies a key that it does not know, one that others can read, and none",
    Effect.gen(function* () {
      const { server, fetchAs } = yield* makeRemote;
      makeKey(join(server.folder, "stranger"));
      for (const key of [join(server.folder, "stranger"), join(server.folder, "missing"), ""]) {
        const denied = yield* Effect.flip(
          fetchAs(environmentFor(server, { MUSTER_GIT_SSH_KEY: key })),
        );
        expect(denied.reason, key).toBe("Denied");
        expect(denied.remedy, key).toContain("MUSTER_GIT_SSH_KEY");
      }
      chmodSync(server.key, 0o644);
      const open = yield* Effect.flip(fetchAs(environmentFor(server)));
      expect(open.reason).toBe("Denied");
      expect(open.remedy).toContain("chmod 600");
    }),
  );

  test(
    "uses an agent where no key is named",
    Effect.gen(function* () {
      const { sandbox, server, fetchAs } = yield* makeRemote;
      const socket = join(server.folder, "agent");
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const said = execFileSync("ssh-agent", ["-s", "-a", socket]).toString("utf8");
          return Number(/SSH_AGENT_PID=([0-9]+);/.exec(said)?.[1]);
        }),
        (pid) => Effect.sync(() => pid > 1 && process.kill(pid, "SIGTERM")),
      );
      const environment = environmentFor(server, { MUSTER_GIT_SSH_KEY: "", SSH_AUTH_SOCK: socket });
      execFileSync("ssh-add", ["-q", server.key], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
      });
      expect((yield* fetchAs(environment)).head).toBe(sandbox.at("refs/heads/main"));
    }),
  );

  test(
    "tells who refuses from who stays silent",
    Effect.gen(function* () {
      const { server, fetchAs } = yield* makeRemote;
      const port = yield* freePort;
      const refused = yield* Effect.flip(
        fetchAs(environmentFor(server), `ssh://a@127.0.0.1:${port}/a`),
      );
      expect(refused).toMatchObject({ reason: "Unreachable" });
      expect(refused.message).toContain("Connection refused");
      const silent = yield* Effect.acquireRelease(
        Effect.promise(
          () =>
            new Promise<ReturnType<typeof createServer>>((resolve) => {
              const mute = createServer((socket) => void socket.on("error", () => undefined));
              mute.listen(0, "127.0.0.1", () => resolve(mute));
            }),
        ),
        (mute) => Effect.sync(() => void mute.close()),
      );
      const { port: mutePort } = silent.address() as AddressInfo;
      const slow = yield* Effect.gen(function* () {
        const git = yield* Git;
        return yield* git.run({
          operation: "ls-remote",
          folder: server.folder,
          reach: "ssh",
          arguments: ["ls-remote", "--", `ssh://a@127.0.0.1:${mutePort}/a`],
          timeoutMillis: 500,
        });
      }).pipe(Effect.provide(Git.layer({ environment: environmentFor(server) })), Effect.flip);
      expect(slow.reason).toBe("TimedOut");
    }),
  );

  test(
    "heeds no configuration of the user, and starts nothing that one names",
    Effect.gen(function* () {
      const { sandbox, server, fetchAs } = yield* makeRemote;
      const proof = join(server.folder, "ran");
      const home = join(server.folder, "home");
      mkdirSync(join(home, ".ssh"), { recursive: true });
      const evil = `ProxyCommand touch ${proof}\nLocalCommand touch ${proof}\nPermitLocalCommand yes\n`;
      writeFileSync(join(home, ".ssh", "config"), evil);
      const environment = {
        ...environmentFor(server, { HOME: home }),
        GIT_SSH_COMMAND: `touch ${proof}`,
        GIT_SSH: "/bin/false",
        GIT_PROXY_COMMAND: `touch ${proof}`,
      };
      plainGit(sandbox.cache, ["config", "core.sshCommand", `touch ${proof}`]);
      expect((yield* fetchAs(environment)).head).toBe(sandbox.at("refs/heads/main"));
      expect(existsSync(proof)).toBe(false);
    }),
  );

  test(
    "never starts a host that looks like an option, even when handed one",
    Effect.gen(function* () {
      const { sandbox, server } = yield* makeRemote;
      const proof = join(server.folder, "ran");
      for (const url of [
        `ssh://-oProxyCommand=touch%20${proof}/a`,
        `-oProxyCommand=touch ${proof}:a`,
        `ssh://x@-oProxyCommand=touch%20${proof}/a`,
      ]) {
        const repository = { scheme: "ssh", url, normalised: url } as const;
        const request = {
          repository,
          branch: "main",
          environment: "default",
          cache: sandbox.cache,
        };
        yield* Effect.flip(fetchBranch(request)).pipe(
          Effect.provide(Git.layer({ environment: environmentFor(server) })),
        );
        expect(existsSync(proof), url).toBe(false);
      }
    }),
  );
});

describe("the words that start ssh", () => {
  const commandFor = (environment: Record<string, string>) => sshCommandOf(environment);

  it("hold fixed options and the operator's paths", () => {
    const command = Result.getOrThrow(
      commandFor({ HOME: "/home/ann", MUSTER_GIT_SSH_KEY: "/etc/muster/key" }),
    );
    for (const part of [
      "'ssh' '-F' '/dev/null'",
      "'BatchMode=yes'",
      "'StrictHostKeyChecking=yes'",
      "'UserKnownHostsFile=/home/ann/.ssh/known_hosts'",
      "'GlobalKnownHostsFile=/dev/null'",
      "'IdentityFile=/etc/muster/key'",
      "'IdentitiesOnly=yes'",
      "'ForwardAgent=no'",
      "'ForwardX11=no'",
      "'ProxyCommand=none'",
      "'PermitLocalCommand=no'",
      "'ConnectTimeout=15'",
      "'ServerAliveInterval=10'",
    ]) {
      expect(command).toContain(part);
    }
  });

  it("take no path that could be read as more than a path", () => {
    for (const path of [
      "relative",
      "/a b",
      "/a'b",
      '/a"b',
      "/%d/x",
      "/${HOME}/x",
      "~/x",
      "/a;touch /tmp/x",
      "/a\n-oProxyCommand=x",
      "/a\\b",
    ]) {
      for (const name of ["MUSTER_GIT_SSH_KEY", "MUSTER_GIT_SSH_KNOWN_HOSTS"]) {
        const refusal = Result.flip(commandFor({ HOME: "/home/ann", [name]: path }));
        expect(Result.isSuccess(refusal) && refusal.success.reason, path).toBe("Invalid");
      }
    }
  });
});
