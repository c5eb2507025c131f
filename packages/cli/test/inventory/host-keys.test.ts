// Holds that a host is sent nothing, not even a request to be let in, unless it proved the key that is known for it.

import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { startManInTheMiddle } from "@muster/testkit/hosts/index";
import { peers } from "@muster/testkit/hosts/peers";
import { watching, type Watched } from "./watched.ts";

/** An agent that has no keys and counts who asks it. */
const withAgent = async <A>(path: string, use: (asked: () => number) => Promise<A>): Promise<A> => {
  let asked = 0;
  const sockets = new Set<Socket>();
  const agent = createServer((socket) => {
    asked += 1;
    sockets.add(socket.on("error", () => undefined));
    // It has none: the answer to whatever it is asked is an empty list.
    socket.once("data", () => socket.write(Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0])));
  });
  await new Promise<void>((resolve) => void agent.listen(path, resolve));
  try {
    return await use(() => asked);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => void agent.close(resolve));
  }
};

/** Lines of a known_hosts file, put before or in place of those that are there. */
const knownFile = (watched: Watched, name: string, lines: ReadonlyArray<string>) =>
  watched.world.write(name, `${lines.join("\n")}\n`);

/** A configuration that leads to the hosts as the fleet's does, and says this first. */
const configOf = ({ world, fleet }: Watched, name: string, first: string) =>
  world.write(name, `${first}\n${readFileSync(fleet.sshConfig, "utf8")}`);

const knownOf = (watched: Watched, host: string): string => {
  const { address, port } = watched.fleet.host(host);
  return `[${address}]:${port}`;
};

const reasonOf = async (
  watched: Watched,
  host: string,
  config: string,
  words = "",
): Promise<ReadonlyArray<string | null | undefined>> => {
  const { looks } = await watched.refresh(`--seed ${host} ${words}`.trim(), {
    MUSTER_SSH_CONFIG: config,
  });
  const contact = looks.get(host)?.contact;
  return [contact?.reason, contact?.step];
};

const names = ["changed", "unknown", "certified", "well"] as const;
const hosts = names.map((name) => ({ name, role: "web" }));

for (const { name: peer, missing, start } of peers) {
  describe.skipIf(missing)(`the key of a host, on ${peer}`, () => {
    it(
      "stands before everything else: no request to be let in, no agent, no command",
      watching(start, { hosts }, async (watched) => {
        const { fleet, act, counts } = watched;
        await act(fleet.host("changed").strike("changed-host-key"));
        await act(fleet.host("unknown").strike("unknown-host-key"));
        await act(fleet.host("certified").strike("certificate-only"));
        const socket = watched.world.at("agent");
        const agent = `Host *\n  IdentityAgent ${socket}\n  IdentitiesOnly no\n  ForwardAgent yes`;
        const config = await configOf(watched, "config", agent);
        await withAgent(socket, async (asked) => {
          for (const words of ["", "--fast"]) {
            expect(await reasonOf(watched, "changed", config, words)).toEqual([
              ...["hostkey-changed", "kex"],
            ]);
            expect(await reasonOf(watched, "unknown", config, words)).toEqual([
              ...["hostkey-unknown", "kex"],
            ]);
            expect(await reasonOf(watched, "certified", config, words)).toEqual([
              ...["certificate", "kex"],
            ]);
          }
          // Whoever accepts new keys accepts no others.
          expect(await reasonOf(watched, "changed", config, "--accept-new")).toEqual([
            ...["hostkey-changed", "kex"],
          ]);
          for (const name of ["changed", "unknown", "certified"]) {
            const { authAttempts, authRequests, execs, connections } = await counts(name);
            expect([name, authAttempts, authRequests, execs]).toEqual([name, 0, 0, 0]);
            expect(connections).toBe(name === "changed" ? 3 : 2);
          }
          expect(asked()).toBe(0);
          // One that shows the known key is asked, with the agent before the files.
          expect(await reasonOf(watched, "well", config)).toEqual([null, null]);
          expect(asked()).toBe(1);
          expect(await counts("well")).toMatchObject({ connections: 1, authAttempts: 1, execs: 1 });
        });
        // What is asked of a host that shows another key would have been told, had it been asked.
        await act(fleet.host("unknown").heal);
        await act(fleet.host("unknown").strike("unknown-host-key"));
        const trusting = await configOf(
          watched,
          "trusting",
          `Host *\n  UserKnownHostsFile ${await knownFile(watched, "right", [
            `${knownOf(watched, "unknown")} ${fleet.host("unknown").hostKey}`,
          ])}`,
        );
        expect(await reasonOf(watched, "unknown", trusting)).toEqual([null, null]);
        expect((await counts("unknown")).authRequests).toBeGreaterThan(0);
      }),
      180_000,
    );

    it(
      "is added when that is asked for, before the login, and is then the only one",
      watching(start, { hosts: hosts.slice(0, 1) }, async (watched) => {
        const { fleet, act, counts } = watched;
        const host = fleet.host("changed");
        const file = await watched.world.write("known", "# mine\n");
        const config = await configOf(watched, "config", `Host *\n  UserKnownHostsFile ${file}`);
        expect(await reasonOf(watched, "changed", config)).toEqual(["hostkey-unknown", "kex"]);
        expect(readFileSync(file, "utf8")).toBe("# mine\n");
        expect((await counts("changed")).execs).toBe(0);

        expect(await reasonOf(watched, "changed", config, "--accept-new")).toEqual([null, null]);
        const pinned = `# mine\n${knownOf(watched, "changed")} ${host.hostKey}\n`;
        expect(readFileSync(file, "utf8")).toBe(pinned);
        expect(await reasonOf(watched, "changed", config)).toEqual([null, null]);

        await act(host.strike("changed-host-key"));
        for (const words of ["--accept-new", ""]) {
          expect(await reasonOf(watched, "changed", config, words)).toEqual([
            ...["hostkey-changed", "kex"],
          ]);
        }
        expect(readFileSync(file, "utf8")).toBe(pinned);
        expect(await counts("changed")).toMatchObject({
          authRequests: expect.any(Number),
          execs: 2,
        });
      }),
      180_000,
    );

    it(
      "is nothing where it is revoked, and an authority's word is no key",
      watching(start, { hosts: hosts.slice(3) }, async (watched) => {
        const { fleet, counts } = watched;
        const { hostKey } = fleet.host("well");
        const at = knownOf(watched, "well");
        const cases = [
          ["hostkey-changed", [`${at} ${hostKey}`, `@revoked * ${hostKey}`]],
          ["hostkey-changed", [`@revoked ${at} ${hostKey}`]],
          ["certificate", [`@cert-authority * ${hostKey}`]],
          ["hostkey-unknown", [`!${at},!${fleet.host("well").address},* ${hostKey}`]],
        ] as const;
        for (const [place, [reason, lines]] of cases.entries()) {
          const file = await knownFile(watched, `known-${place}`, lines);
          const first = `Host *\n  UserKnownHostsFile ${file}`;
          const config = await configOf(watched, `config-${place}`, first);
          expect([lines, await reasonOf(watched, "well", config)]).toEqual([
            ...[lines, [reason, "kex"]],
          ]);
          if (reason !== "hostkey-unknown") {
            expect(await reasonOf(watched, "well", config, "--accept-new")).toEqual([
              reason,
              "kex",
            ]);
          }
          expect(readFileSync(file, "utf8")).toBe(`${lines.join("\n")}\n`);
        }
        expect(await counts("well")).toMatchObject({ authAttempts: 0, execs: 0 });
      }),
      180_000,
    );

    it(
      "gives a man in the middle nothing, whichever key he shows",
      watching(start, { hosts: hosts.slice(3) }, async (watched) => {
        const { fleet, act, counts } = watched;
        const socket = watched.world.at("agent");
        const file = await knownFile(watched, "known", [`well ${fleet.host("well").hostKey}`]);
        const look = (shows: "own" | "claimed", words = "") =>
          act(
            Effect.scoped(
              Effect.gen(function* () {
                const man = yield* startManInTheMiddle({ fleet, host: "well", shows });
                const between = `Host well\n  HostName ${man.address}\n  Port ${man.port}
  HostKeyAlias well\n  UserKnownHostsFile ${file}\n  IdentityAgent ${socket}
  IdentitiesOnly no\n  ForwardAgent yes`;
                const ended = yield* Effect.promise(async () => {
                  const config = await configOf(watched, `config-${shows}`, between);
                  return reasonOf(watched, "well", config, words);
                });
                const { begun } = yield* man.counts;
                return { ended, begun, sent: yield* man.sent };
              }),
            ),
          );
        await withAgent(socket, async (asked) => {
          for (const shows of ["own", "claimed"] as const) {
            for (const words of ["", "--fast", "--accept-new"]) {
              expect([shows, words, await look(shows, words)]).toEqual([
                ...[shows, words, { ended: ["hostkey-changed", "kex"], begun: 1, sent: [] }],
              ]);
            }
          }
          expect(asked()).toBe(0);
        });
        // Nothing was passed on, and the host itself is asked as ever.
        expect((await counts("well")).connections).toBe(0);
        expect(await reasonOf(watched, "well", fleet.sshConfig)).toEqual([null, null]);
        expect(readFileSync(file, "utf8")).toBe(`well ${fleet.host("well").hostKey}\n`);
      }),
      180_000,
    );
  });
}
