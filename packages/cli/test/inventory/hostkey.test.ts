// Seeing and accepting host keys, on hosts that speak SSH: who is asked what, what is written, and what the audit has.

import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { HostKeys } from "@muster/core/inventory/host-keys";
import { peers } from "@muster/testkit/hosts/peers";
import { defaultWiring } from "../../src/wiring.ts";
import { auditOf, onStage, promised, type Stage, storeWithout } from "./stage.ts";

const known = ({ fleet }: Stage): string => readFileSync(fleet.knownHosts, "utf8");

const fingerprintIn = (text: string): string => /SHA256:[A-Za-z0-9+/]{43}/u.exec(text)![0];

/** A host that was set up anew: it shows another key from now on. */
const setUpAnew = ({ fleet }: Stage, host: string) =>
  promised(fleet.host(host).strike("changed-host-key"));

const outcomes = async (stage: Stage) =>
  (await auditOf(stage, "accept host key")).map(({ phase, outcome }) => [phase, outcome]);

for (const { name, missing, start } of peers) {
  describe.skipIf(missing)(`host keys, on ${name}`, () => {
    it(
      "shows a key by a handshake alone, accepts it when a person says so, and then the host answers",
      onStage(start, [{ name: "a" }, { name: "b" }], async (stage) => {
        const { fleet, run } = stage;
        const comment = "# ours\n@revoked * ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmS\n";
        writeFileSync(fleet.knownHosts, `${comment}${known(stage)}`);
        chmodSync(fleet.knownHosts, 0o640);
        const before = known(stage);
        const [lineOfA, lineOfB] = before.slice(comment.length).trim().split("\n");
        await setUpAnew(stage, "a");
        const counts = await promised(fleet.host("a").counts);
        const shown = await run("host hostkey show a");
        expect([shown.code, shown.stdout.includes("another one is trusted")]).toEqual([0, true]);
        const fingerprint = fingerprintIn(shown.stdout);
        const previewed = await run("host hostkey accept a --reason anew");
        expect([previewed.code, fingerprintIn(previewed.stdout)]).toEqual([0, fingerprint]);
        expect(previewed.stdout).toContain("nothing was written");
        expect(known(stage)).toBe(before);
        const accepted = await run("host hostkey accept a --reason anew --confirm");
        expect(accepted.stdout).toContain(`is trusted by ssh-ed25519 ${fingerprint}`);
        expect([accepted.code, accepted.stdout.includes("in place of")]).toEqual([0, true]);
        // Not one login, and not one command: a handshake for each look.
        const after = await promised(fleet.host("a").counts);
        expect([after.authAttempts, after.execs]).toEqual([counts.authAttempts, counts.execs]);
        expect(after.connections - counts.connections).toBe(4);
        const [first, second] = known(stage).slice(comment.length).trim().split("\n");
        expect(known(stage).startsWith(comment)).toBe(true);
        expect(first!.split(" ")[0]).toBe(lineOfA!.split(" ")[0]);
        expect([first === lineOfA, second]).toEqual([false, lineOfB]);
        expect(statSync(fleet.knownHosts).mode & 0o777).toBe(0o640);
        expect((await run("host refresh a")).code).toBe(0);
        expect((await run("host hostkey accept a --reason anew --confirm")).stdout).toContain(
          "nothing to do",
        );
        const entries = await auditOf(stage, "accept host key");
        expect(entries.map(({ phase, outcome }) => [phase, outcome])).toEqual([
          ["intent", null],
          ["outcome", "done"],
        ]);
        expect(entries[0]).toMatchObject({
          targets: ["a"],
          reason: { text: "anew" },
          parameters: { fingerprint, before: [{ type: "ssh-ed25519" }] },
        });
        expect(JSON.stringify(entries[0]!.parameters["before"])).not.toContain(fingerprint);
      }),
      60_000,
    );

    it(
      "accepts by its fingerprint exactly the key that was meant, and never a revoked one",
      onStage(start, [{ name: "a" }, { name: "b" }], async (stage) => {
        const { fleet, run } = stage;
        await setUpAnew(stage, "a");
        const fingerprint = fingerprintIn((await run("host hostkey show a")).stdout);
        const before = known(stage);
        const other = `SHA256:${"A".repeat(43)}`;
        const wrong = await run(`host hostkey accept a --reason x --fingerprint ${other}`);
        expect([wrong.code, wrong.stderr.includes(`and not ${other}`)]).toEqual([5, true]);
        expect((await run("host hostkey accept a --reason x --fingerprint MD5:aa")).code).toBe(1);
        expect((await run("host hostkey accept nobody --reason x --confirm")).code).toBe(1);
        expect(known(stage)).toBe(before);
        const ran = await run(`host hostkey accept a --reason x --fingerprint ${fingerprint}`);
        expect(ran.code).toBe(0);
        const key = known(stage).split("\n")[0]!.split(" ").slice(1).join(" ");
        const { address, port } = fleet.host("a");
        writeFileSync(fleet.knownHosts, `${before}@revoked [${address}]:${port} ${key}\n`);
        const withRevoked = known(stage);
        const revoked = await run(`host hostkey accept a --reason x --fingerprint ${fingerprint}`);
        expect([revoked.code, revoked.stderr.includes("was revoked")]).toEqual([5, true]);
        expect(known(stage)).toBe(withRevoked);
        await promised(fleet.host("b").strike("refuse"));
        const away = await run("host hostkey accept b --reason x --confirm");
        expect(away.code).toBe(2);
        expect(await outcomes(stage)).toEqual([
          ["intent", null],
          ["outcome", "done"],
        ]);
      }),
      60_000,
    );

    it(
      "refuses a key that changed between showing and accepting, and writes none without its audit or its lock",
      onStage(start, [{ name: "a" }], async (stage) => {
        const { fleet, world, env } = stage;
        const before = known(stage);
        await setUpAnew(stage, "a");
        const words = ["host", "hostkey", "accept", "a", "--reason", "x", "--confirm"];
        // After it was shown once, the old key is back.
        const wiring = {
          hostKeys: (options: Parameters<typeof defaultWiring.hostKeys>[0]) =>
            Layer.effect(
              HostKeys,
              Effect.map(HostKeys, (keys) => ({
                ...keys,
                look: (address: Parameters<typeof keys.look>[0]) =>
                  Effect.tap(keys.look(address), () => Effect.orDie(fleet.host("a").heal)),
              })),
            ).pipe(Layer.provide(defaultWiring.hostKeys(options))),
        };
        const changed = await world.inside(words, { env, wiring });
        expect([changed.code, changed.stderr.includes("not the key that was meant")]).toEqual([
          5,
          true,
        ]);
        expect(known(stage)).toBe(before);
        expect(await outcomes(stage)).toEqual([]);
        await setUpAnew(stage, "a");
        const unaudited = await world.inside(words, { env, wiring: storeWithout("intent") });
        expect([unaudited.code, unaudited.stderr.includes("held")]).toEqual([2, true]);
        expect(known(stage)).toBe(before);
        writeFileSync(`${fleet.knownHosts}.muster-lock`, "1\n");
        const locked = await world.inside(words, { env });
        expect([locked.code, locked.stderr.includes("when no other muster runs: rm")]).toEqual([
          2,
          true,
        ]);
        expect(known(stage)).toBe(before);
        expect(await outcomes(stage)).toEqual([
          ["intent", null],
          ["outcome", "failed"],
        ]);
      }),
      60_000,
    );
  });
}
