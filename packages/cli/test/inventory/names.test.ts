// Holds that hosts whose names nobody resolves are told as such, in time, and hold up no other host.

import { spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import type { HostObservation } from "@muster/core/words/host";
import { startEmulatedHosts } from "@muster/testkit/hosts/index";
import { nodeArguments, startChild } from "../world.ts";
import { watching, type Watched } from "./watched.ts";

/** Of the loopback, and nobody's. */
const resolver = "127.1.255.53";

const canReplaceResolver = (): boolean => {
  const tried = spawnSync("unshare", [
    "--mount",
    "mount",
    "--bind",
    "/dev/null",
    "/etc/resolv.conf",
  ]);
  if (tried.status === 0) return true;
  if (process.env["CI"]) throw new Error("no resolver can be put in place on CI");
  console.warn("SKIPPED: names are not tried, for there are no namespaces for a resolver");
  return false;
};

/** Listens where resolvers do, and answers as it is told to: here, nothing, or that there is no such name. */
const listening = (answer: (question: Buffer) => Buffer | null): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.once("error", reject);
    socket.on("message", (question, { address, port }) => {
      const said = answer(question);
      if (said !== null) socket.send(said, port, address);
    });
    socket.bind(53, resolver, () => resolve(socket));
  });

/** Where the name in a question ends: its labels begin with their lengths. */
const endOfName = (question: Buffer): number => {
  let at = 12;
  while (question[at]! > 0) at += 1 + question[at]!;
  return at + 1;
};

/** The address of the one name that there is; no other question is answered. */
const onlyGood =
  (address: string) =>
  (question: Buffer): Buffer | null => {
    const end = endOfName(question);
    if (!question.toString("latin1", 12, end).startsWith("\u0004good")) return null;
    const asked = question.subarray(12, end + 4);
    // For IPv6 there is nothing: type 28.
    const hasAddress = question.readUInt16BE(end) === 1;
    const header = Buffer.from([0x81, 0x80, 0, 1, 0, hasAddress ? 1 : 0, 0, 0, 0, 0]);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, ...bytesOf(address)]);
    const id = question.subarray(0, 2);
    return Buffer.concat([id, header, asked, ...(hasAddress ? [record] : [])]);
  };

const bytesOf = (address: string): ReadonlyArray<number> => address.split(".").map(Number);

/** The question back, as an answer with the code for a name that there is not: RFC 1035, 4.1.1. */
const noSuchName = (question: Buffer): Buffer => {
  const answer = Buffer.from(question);
  answer.writeUInt16BE(0x8183, 2);
  return answer;
};

/** A refresh in a place of its own, where the resolver is ours. */
const refreshThere = async ({ world, config }: Watched, words: ReadonlyArray<string>) => {
  const file = await world.write("resolv.conf", `nameserver ${resolver}\n`);
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  const started = startChild(
    new Set(),
    "unshare",
    [
      ...["--mount", "sh", "-c", script, file, process.execPath, ...nodeArguments],
      ...["inventory", "refresh", "-o", "json", ...words],
    ],
    { cwd: world.folder, env: { ...world.env, MUSTER_SSH_CONFIG: config } },
  );
  const ran = await started.ended;
  const lines = ran.stdout.split("\n").filter((line) => line !== "");
  const looks = lines.map((line) => JSON.parse(line) as HostObservation);
  return { ran, looks: new Map(looks.map((look) => [look.host, look])) };
};

const lost = Array.from({ length: 8 }, (_, place) => `lost-${place}.example`);

describe.skipIf(!canReplaceResolver())("hosts whose names have no address", () => {
  it.each([
    ["where the resolver says so", noSuchName, /has no address \(ENOTFOUND\)/u],
    [
      "where the resolver says nothing",
      () => null,
      /no answer about "lost-\d\.example" in 1000 ms/u,
    ],
  ] as const)(
    "are told as such, and hold up no other host, %s",
    (_, answer, message) =>
      watching(
        startEmulatedHosts,
        {
          hosts: ["well-1", "well-2"].map((name) => ({ name, role: "web" })),
          settings: "Host *.example\n  ConnectTimeout 1\nHost *",
        },
        async (watched) => {
          const socket = await listening(answer);
          try {
            await watched.run(["inventory", "seed", "add", ...lost]);
            const { ran, looks } = await refreshThere(watched, []);
            expect(ran.stderr).toContain(`2 answered, ${lost.length} dns\n`);
            expect(ran.code).toBe(6);
            for (const name of lost) {
              const { contact, dns } = looks.get(name)!;
              expect(contact).toMatchObject({ reason: "dns", step: "dns" });
              expect(contact?.message).toMatch(message);
              // Apart from SSH, too.
              expect(dns).toEqual({ addresses: [], trouble: contact?.message });
            }
            for (const name of ["well-1", "well-2"]) {
              expect(looks.get(name)?.facts?.role).toBe("web");
            }
            const [look] = await watched.history(lost[0]!);
            expect(look).toEqual(looks.get(lost[0]!));
            const shown = (await watched.run(`host show ${lost[0]}`)).stdout;
            expect(shown).toMatch(/^ {2}ssh +dns at dns {2}\(/mu);
          } finally {
            socket.close();
          }
        },
      )(),
    120_000,
  );

  it(
    "keep nobody from the name of another host, however many there are",
    watching(startEmulatedHosts, { hosts: [{ name: "good", role: "web" }] }, async (watched) => {
      const { fleet, world } = watched;
      const { address, port, hostKey } = fleet.host("good");
      const known = await world.write("known_good", `good ${hostKey}\n`);
      const first = `Host good.example\n  Port ${port}\n  HostKeyAlias good
  UserKnownHostsFile ${known}\nHost gone*\n  ConnectTimeout 1\nHost *`;
      const config = await world.write(
        "config",
        `${first}\n${readFileSync(watched.config, "utf8")}`,
      );
      const socket = await listening(onlyGood(address));
      try {
        const names = Array.from({ length: 20 }, (_, place) => `gone-${place}.example`);
        await watched.run(["inventory", "seed", "remove", "good"]);
        await watched.run(["inventory", "seed", "add", "good.example", ...names]);
        // In their order: the names that hang are all asked for before the one that does not.
        const { ran, looks } = await refreshThere({ ...watched, config }, []);
        expect(ran.stderr).toContain(`1 answered, ${names.length} dns\n`);
        expect(looks.get("good.example")).toMatchObject({
          ...{ dns: { addresses: [address], trouble: null }, facts: { role: "web" } },
        });
      } finally {
        socket.close();
      }
    }),
    120_000,
  );
});
