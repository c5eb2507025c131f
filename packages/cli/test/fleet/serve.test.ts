// Checks the daemon as a process: --http and --reconcile-every, the token, presence, and its end.

import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type Started, type World } from "../world.ts";

/** Started, and answering; the address that it listens on. */
const served = async (world: World, ...more: ReadonlyArray<string>) => {
  const daemon = world.startFleetctl([
    ...["--config", world.at("f/fleet.yaml"), "--http", "127.0.0.1:0", "--reconcile-every", "1s"],
    ...more,
  ]);
  await daemon.until("the token for changes");
  return { daemon, url: /listening on (http:\/\/\S+?)\/?(?:\s|$)/u.exec(daemon.said())![1]! };
};

const control = async (url: string) =>
  (await (await fetch(`${url}/control`)).json()) as Record<string, unknown>;

const post = (url: string, path: string, token: string, body: object = {}) =>
  fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/** Once nothing runs and so many are there. */
const untilThere = async (url: string, count: number): Promise<void> => {
  for (;;) {
    const text = await (await fetch(`${url}/status`)).text();
    if (text.includes(`remote  ${count}  `) && !text.includes("running  ")) return;
  }
};

const tokenOf = (daemon: Started) => /shown this once: (\S+)/u.exec(daemon.said())![1]!;

describe("HTTP daemon (metrics + control)", () => {
  it(
    "fleetctl --config fleet.yaml --http ADDR --reconcile-every: keeps the fleet, and does what the token's holder asks",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      const { daemon, url } = await served(world);
      await untilThere(url, 1);
      expect(await control(url)).toMatchObject({ enabled: true, interval: "1s", desired: 1 });
      const token = tokenOf(daemon);
      expect(readFileSync(world.at("f/.web.state.token"), "utf8").trim()).toBe(token);
      expect(statSync(world.at("f/.web.state.token")).mode & 0o777).toBe(0o600);
      expect((await post(url, "/scale", "wrong", { desired: 5 })).status).toBe(401);
      const scaled = await post(url, "/scale", token, { desired: 3, reason: "the sale" });
      expect(scaled.status).toBe(200);
      expect(await scaled.json()).toMatchObject({ actual: 3, launched: 2 });
      expect((await post(url, "/rolling-restart", token)).status).toBe(200);
      expect((await post(url, "/sync-state", token)).status).toBe(200);
      const metrics = (await (await fetch(`${url}/metrics`)).json()) as object;
      expect(metrics).toMatchObject({
        fleet: "web",
        localActive: 3,
        remoteActive: 3,
        control: { desired: 1, override: { desired: 3, reason: "the sale" } },
        actions: { operation: "sync-state", phase: "done" },
      });
      expect(await (await fetch(`${url}/status`)).text()).toContain("remote  3  discovered");
      expect(await (await fetch(`${url}/healthz`)).text()).toMatch(/^ok/u);

      daemon.process.kill("SIGTERM");
      const ran = await daemon.ended;
      expect(ran).toMatchObject({ code: 0, stdout: "" });
      expect(accepted(world.simulator)).toEqual({ launches: 6, terminations: 3, others: 0 });
      expect(world.files("f").filter((file) => file.endsWith(".daemon"))).toEqual([]);
    }),
  );

  it(
    "is known to commands, shares their store, and is the only one of its fleet",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      const file = world.at("f/fleet.yaml");
      const { daemon, url } = await served(world);
      await untilThere(url, 1);
      const scaled = await world.fleetctl(["--config", file, "--scale", "2"]);
      expect(scaled.code).toBe(0);
      expect(scaled.stdout).toContain("then the daemon brings back what the document asks");
      const second = await world.startFleetctl(["--config", file, "--http", "127.0.0.1:0"]).ended;
      expect(second.code).toBe(2);
      expect(second.stderr).toContain(`process ${daemon.pid} on`);
      expect(living(world.simulator)).toHaveLength(2);
      daemon.process.kill("SIGTERM");
      await daemon.ended;
      // The token is shown once.
      const again = await served(world);
      expect(again.daemon.said()).not.toContain("shown this once");
      again.daemon.process.kill("SIGTERM");
      expect((await again.daemon.ended).code).toBe(0);
    }),
  );

  it(
    "a daemon that was killed is no daemon, and its work goes on with the next",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      const { daemon, url } = await served(world);
      await untilThere(url, 1);
      daemon.process.kill("SIGKILL");
      await daemon.ended;
      expect(world.files("f")).toContain(".web.state.daemon");
      const status = await world.fleetctl([
        ...["--config", world.at("f/fleet.yaml"), "--scale", "2", "--dry-run"],
      ]);
      expect(status.stdout).toContain("no daemon keeps this fleet");
      const next = await served(world);
      next.daemon.process.kill("SIGTERM");
      expect((await next.daemon.ended).code).toBe(0);
    }),
  );

  it(
    "of another machine is believed, and how to go on when it is gone is told",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(0));
      const note = await world.write("f/.web.state.daemon", '{"host":"pod-a","pid":7}');
      const ran = await world.fleetctl([
        ...["--config", world.at("f/fleet.yaml"), "--http", "127.0.0.1:0"],
      ]);
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain("another daemon keeps the fleet: process 7 on pod-a");
      expect(ran.stderr).toMatch(/remove the note: rm \S+\.web\.state\.daemon/u);
      expect(ran.stderr).toContain(note);
      expect(world.files("f")).toContain(".web.state.daemon");
    }),
  );

  it(
    "a note with its own number is of one before: containers give each the same",
    inWorld(async (world) => {
      const file = await world.write("f/fleet.yaml", fleet(0));
      const note = { host: hostname(), pid: process.pid };
      await world.write("f/.web.state.daemon", JSON.stringify(note));
      const scaled = await world.fleetctl(["--config", file, "--scale", "2", "--dry-run"]);
      expect(scaled.stdout).toContain("no daemon keeps this fleet");
    }),
  );

  it.each([
    [["--http", "nonsense"], "is no address"],
    [["--http", "0.0.0.0:0"], "allow a public address explicitly"],
    [["--http", ":0", "--reconcile-every", "1"], "--reconcile-every"],
  ])("refuses %j with 1", (args, words) =>
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(0));
      const ran = await world.fleetctl(["--config", world.at("f/fleet.yaml"), ...args]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain(words);
      expect(world.files("f").filter((file) => file.endsWith(".daemon"))).toEqual([]);
    })(),
  );
});
