// Holds what a refresh makes of every fault that a host can have, beside hosts that are well: what is told, what is kept.

import { describe, expect, it } from "@effect/vitest";
import type { ContactReason, ContactStep } from "@muster/core/words/contact";
import { hostFaultNames, type HostFault, type HostFaultName } from "@muster/testkit/hosts/index";
import { peers } from "@muster/testkit/hosts/peers";
import { watching, type Watched } from "./watched.ts";

interface Expected {
  readonly reason: ContactReason | null;
  /** The steps at which it may end: a reset overtakes what comes before it. */
  readonly steps: ReadonlyArray<ContactStep | null>;
  readonly message?: RegExp;
  /** Connections that are accepted, and commands that begin, for one look. */
  readonly connections?: number;
  readonly execs?: number;
  readonly details?: Omit<HostFault, "name">;
}

const answers: Expected = { reason: null, steps: [null], execs: 1 };

/** Only who is silent has a short deadline: the others may be slow on a slow machine. */
const settings = "Host timeout hang-before-banner\n  ConnectTimeout 1\nHost *";
const seconds = 15;

/** What a deadline says of itself. */
const connectTimeout = /in 1000 ms/u;
const timeout = new RegExp(`in ${seconds}000 ms`, "u");

const expectations: Readonly<Record<HostFaultName, Expected>> = {
  refuse: { reason: "refused", steps: ["tcp"], message: /ECONNREFUSED/u, connections: 0 },
  timeout: { reason: "timeout", steps: ["tcp"], message: connectTimeout, connections: 0 },
  reset: { reason: "reset", steps: ["tcp", "banner"] },
  "hang-before-banner": { reason: "timeout", steps: ["banner"], message: connectTimeout },
  "garbage-banner": { reason: "reset", steps: ["banner"], message: /said "HTTP\/1.1 400/u },
  "changed-host-key": { reason: "hostkey-changed", steps: ["kex"], message: /SHA256:/u },
  "unknown-host-key": { reason: "hostkey-unknown", steps: ["kex"], message: /SHA256:/u },
  "certificate-only": { reason: "certificate", steps: ["kex"], message: /certificates/u },
  "long-banner": { reason: "unreadable", steps: ["kex", "auth"], message: /Bad packet length/u },
  "hang-before-auth": { reason: "timeout", steps: ["auth"], message: timeout },
  "auth-refused": { reason: "auth", steps: ["auth"], message: /lets none of the keys in/u },
  "hang-at-channel": { reason: "timeout", steps: ["channel"], message: timeout },
  "no-exec": { reason: "no-exec", steps: ["channel"] },
  "hang-in-exec": { reason: "disconnected", steps: ["exec"], message: timeout, execs: 1 },
  "slow-exec": { ...answers, details: { afterMs: 200 } },
  "cut-in-exec": { reason: "disconnected", steps: ["exec"], message: /was cut/u, execs: 1 },
  "endless-output": { reason: "unreadable", steps: ["exec"], message: /without end/u, execs: 1 },
  "endless-errors": { reason: "unreadable", steps: ["exec"], message: /without end/u, execs: 1 },
  "forged-end": { reason: "unreadable", steps: ["exec"], message: /did not begin/u, execs: 1 },
  "noisy-shell": answers,
  "shell-exits": { reason: "unreadable", steps: ["exec"], message: /exit code 3/u, execs: 1 },
  "bare-path": answers,
  "no-sudo": answers,
  "read-only": answers,
};

const well = ["well-1", "well-2", "well-3"];

const hostsOf = (names: ReadonlyArray<string>) =>
  names.map((name) => ({ name, role: "gecko_t_linux", override: `PUPPET_BRANCH=${name}\n` }));

/** Each fault on the host of its name. */
const strikeAll = async ({ fleet, act }: Watched): Promise<void> => {
  for (const name of hostFaultNames) {
    await act(fleet.host(name).strike(name, expectations[name].details));
  }
};

const silent = hostFaultNames.filter((name) => expectations[name].reason !== null);

for (const { name: peer, missing, start } of peers) {
  describe.skipIf(missing)(`a refresh, on ${peer}`, () => {
    it(
      "tells each fault as what it is, keeps what was known before, and asks all others as ever",
      watching(
        start,
        { hosts: hostsOf([...hostFaultNames, ...well]), settings },
        async (watched) => {
          const { fleet, run, refresh, counts } = watched;
          const first = await refresh("", { MUSTER_SSH_CONFIG: fleet.sshConfig });
          expect(first.ran.stderr).toContain(`${hostFaultNames.length + well.length} answered`);
          expect(first.ran.code).toBe(0);
          const before = await watched.sightings();
          await strikeAll(watched);
          const atFirst = new Map<string, Awaited<ReturnType<typeof counts>>>();
          for (const name of hostFaultNames) atFirst.set(name, await counts(name));

          const { ran, looks } = await refresh(`--timeout ${seconds}`);
          expect(ran.code).toBe(6);
          const answered = hostFaultNames.length + well.length - silent.length;
          expect(ran.stderr).toContain(`${answered} answered, `);
          expect(looks.size).toBe(hostFaultNames.length + well.length);
          const after = await watched.sightings();

          for (const name of hostFaultNames) {
            const expected = expectations[name];
            const look = looks.get(name)!;
            expect([name, look.contact?.reason], ran.stdout).toEqual([name, expected.reason]);
            expect([name, expected.steps]).toEqual([
              name,
              expect.arrayContaining([look.contact?.step ?? null]),
            ]);
            if (expected.message !== undefined) {
              expect(look.contact?.message).toMatch(expected.message);
            }
            // One contact, and never a second one.
            const now = await counts(name);
            const then = atFirst.get(name)!;
            expect([name, now.connections - then.connections, now.execs - then.execs]).toEqual([
              ...[name, expected.connections ?? 1, expected.execs ?? 0],
            ]);
            // What was seen before is still there, with its own time.
            const [known, old] = [after.get(name)!, before.get(name)!];
            expect(known.contact).toEqual({ value: look.contact, at: look.at });
            if (expected.reason === null) {
              expect(look.facts).toMatchObject({ role: "gecko_t_linux" });
              expect([known.lastSeen, known.silence]).toEqual([look.at, null]);
              expect(known.role?.at).toBe(look.at);
            } else {
              expect(look.facts).toBe(undefined);
              expect(known).toEqual({
                ...old,
                ...{ dns: known.dns, contact: known.contact },
                silence: { looks: 1, since: look.at },
              });
            }
            const [newest, older, ...none] = await watched.history(name);
            expect([newest, older, none]).toEqual([look, first.looks.get(name), []]);
          }
          expect(looks.get("no-sudo")?.facts?.sudo).toBe("no");

          for (const name of well) {
            const look = looks.get(name)!;
            expect(look.contact?.reason).toBe(null);
            expect(look.facts).toMatchObject({ role: "gecko_t_linux", sudo: "yes" });
            expect(after.get(name)?.lastSeen).toBe(look.at);
            const { connections, execs } = await counts(name);
            expect([name, connections, execs]).toEqual([name, 2, 2]);
          }

          // A person is told the same: the reason, the step, and how old the rest is.
          const human = await run(`inventory refresh --timeout ${seconds}`);
          expect(human.code).toBe(6);
          for (const name of silent) {
            const { reason, steps } = expectations[name];
            const told = steps.map((step) => `${reason} at ${step}`).join("|");
            expect(human.stdout).toMatch(new RegExp(`^${name}  (${told})  \\S`, "mu"));
          }
          for (const name of [...well, "noisy-shell"]) {
            expect(human.stdout).toMatch(new RegExp(`^${name}  ok  gecko_t_linux  override`, "mu"));
          }
          const shown = (await run("host show hang-in-exec")).stdout;
          expect(shown).toMatch(/^ {2}ssh +disconnected at exec {2}\(\d+ s ago\)$/mu);
          expect(shown).toContain(`the command had not ended in ${seconds}000 ms`);
          expect(shown).toMatch(/^ {2}role +gecko_t_linux {2}\(\d+ \w+ ago\)$/mu);
          expect(shown).toContain("PUPPET_BRANCH=hang-in-exec");
          const looked = (await run("host history hang-in-exec")).stdout;
          expect(looked.match(/disconnected at exec/gu)).toHaveLength(2);
          expect(looked).toMatch(/ ok +gecko_t_linux /u);

          // Nobody answers: that is another end.
          const alone = await run("inventory refresh --seed refuse");
          expect(alone.code).toBe(2);
          expect(alone.stderr).toContain("0 answered, 1 refused\n");

          for (const name of hostFaultNames) await watched.act(fleet.host(name).heal);
          const healed = await refresh("", { MUSTER_SSH_CONFIG: fleet.sshConfig });
          expect(healed.ran.code, healed.ran.stdout).toBe(0);
          const again = await watched.sightings();
          for (const name of silent) expect(again.get(name)?.silence).toBe(null);
        },
      ),
      300_000,
    );
  });
}
