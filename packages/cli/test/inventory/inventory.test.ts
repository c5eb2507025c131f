// The commands of the inventory, with hosts that answer what a test lets them: what is said, written and refused.

import { existsSync } from "node:fs";
import { expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Prober } from "@muster/core/inventory/refresh";
import type { HostObservation } from "@muster/core/words/host";
import type { Ran, World } from "../world.ts";
import { describeOnEachStore } from "./stores.ts";

const answered = { reason: null, step: null, message: null };
const refused = { reason: "refused", step: "tcp", message: "connection refused" } as const;

const talos = { role: "gecko_t_linux_talos", os: "Linux", overrideSha: null, sudo: "yes" } as const;

/** What each host answers; one that is not named refuses. */
type Answers = Readonly<Record<string, Partial<HostObservation>>>;

const proberOf = (answers: Answers) =>
  Layer.succeed(Prober, {
    look: ({ host }) =>
      Effect.sync(() => ({
        observation: {
          host,
          at: new Date().toISOString(),
          ...(answers[host] ?? { contact: refused }),
        },
        override: null,
      })),
  });

const run = (world: World, command: string, answers: Answers = {}): Promise<Ran> =>
  world.inside(wordsOf(command), { wiring: { prober: () => proberOf(answers) } });

/** Splits as a shell does, double quotes kept together. */
const wordsOf = (command: string): ReadonlyArray<string> =>
  Array.from(command.matchAll(/"([^"]*)"|(\S+)/gu), ([, quoted, word]) => quoted ?? word!);

const jsonOf = (ran: Ran): unknown => JSON.parse(ran.stdout);

const hostsIn = async (world: World, filter = ""): Promise<ReadonlyArray<string>> => {
  const ran = await run(world, `host list -o json${filter === "" ? "" : ` --filter "${filter}"`}`);
  const { hosts } = jsonOf(ran) as { hosts: ReadonlyArray<{ address: { host: string } }> };
  return hosts.map(({ address }) => address.host);
};

describeOnEachStore("the inventory", (inStore) => {
  it(
    "goes the way of the onboarding, word for word",
    inStore(async (world) => {
      const seeds = ["t-1.test", "t-2.test", "t-3.test"];
      const file = await world.write("seeds.txt", `# talos\r\n${seeds.join("\r\n")}\r\n\r\n`);
      const up = { contact: answered, facts: talos };
      const answers = { "t-1.test": up, "t-2.test": up };

      const synced = await run(world, `inventory seed sync --from-file ${file}`);
      expect([synced.code, synced.stdout]).toEqual([
        0,
        "3 seeds added\n  t-1.test\n  t-2.test\n  t-3.test\n",
      ]);
      const looked = await run(world, "inventory refresh --seed all", answers);
      expect(looked.code).toBe(6);
      expect(looked.stderr).toContain("2 answered, 1 refused");
      expect(await hostsIn(world, "expected_role:null")).toEqual(seeds);
      const made = await run(
        world,
        'population create gecko-t-linux-talos --expected-role gecko_t_linux_talos --description "talos Linux hosts"',
      );
      expect([made.code, made.stdout]).toEqual([0, "1 population made\n  gecko-t-linux-talos\n"]);
      const assign =
        'host assign-population --filter "role:gecko_t_linux_talos AND expected_role:null" --population gecko-t-linux-talos';
      const shown = await run(world, assign);
      expect([shown.code, shown.stdout]).toEqual([
        0,
        [
          "2 hosts would be assigned to gecko-t-linux-talos",
          "  t-1.test",
          "  t-2.test",
          "nothing was written: add --confirm to do this",
          "",
        ].join("\n"),
      ]);
      expect(await hostsIn(world, "expected_role:gecko_t_linux_talos")).toEqual([]);
      const assigned = await run(world, `${assign} --confirm`);
      expect([assigned.code, assigned.stdout]).toEqual([
        0,
        "2 hosts assigned to gecko-t-linux-talos\n  t-1.test\n  t-2.test\n",
      ]);
      expect(await hostsIn(world, "expected_role:gecko_t_linux_talos")).toEqual([
        "t-1.test",
        "t-2.test",
      ]);
    }),
  );

  const up = { contact: answered, facts: talos };

  /** Seeds `names`, looked at once. */
  const begin = async (world: World, answers: Answers, ...names: ReadonlyArray<string>) => {
    await run(world, `inventory seed add ${names.join(" ")}`);
    await run(world, "inventory refresh", answers);
  };

  it(
    "writes nothing of a seed file with a fault, and tells each fault at its place",
    inStore(async (world) => {
      const file = await world.write("seeds.txt", "good.test\nb ad\ngood.test\nx:99999\n");
      const synced = await run(world, `inventory seed sync --from-file ${file}`);
      expect(synced.code).toBe(1);
      expect(synced.stderr).toContain(`${file}:2:1: error: "b ad" is no host`);
      expect(synced.stderr).toContain(`${file}:3:1: warning: "good.test" stands in line 1 already`);
      expect(synced.stderr).toContain(`${file}:4:1: error: "99999" is no port`);
      expect(jsonOf(await run(world, "inventory seed list -o json"))).toEqual([]);
      const gone = await run(world, "inventory seed sync --from-file /nowhere");
      expect([gone.code, gone.stderr.includes("/nowhere cannot be read")]).toEqual([1, true]);
    }),
  );

  it(
    "leaves seeds that a file does not have, and names them; hosts outlive their seeds",
    inStore(async (world) => {
      await begin(world, { "a.test": up }, "a.test", "b.test:2222");
      const file = await world.write("seeds.txt", "a.test\nc.test\n");
      const synced = await run(world, `inventory seed sync --from-file ${file}`);
      expect(synced.stdout).toBe("1 seed added; 1 seed so already\n  c.test\n");
      expect(synced.stderr).toContain("b.test:2222 is a seed and not in the file: it stays");
      const removed = await run(world, "inventory seed remove a.test");
      expect(removed.stdout).toBe("1 seed removed\n  a.test\n");
      expect(await hostsIn(world)).toEqual(["a.test", "b.test"]);
      const unknown = await run(world, "inventory seed remove a.tst");
      expect([unknown.code, unknown.stderr]).toEqual([
        1,
        'muster: there is no seed "a.tst"\n  did you mean "b.test"?\n',
      ]);
    }),
  );

  it(
    "shows what a dry run would do, and writes nothing at all",
    inStore(async (world) => {
      await begin(world, { "a.test": up }, "a.test");
      await run(world, "population create talos --expected-role talos");
      const commands = [
        "inventory seed add z.test",
        "inventory seed remove a.test",
        "population create other",
        "population edit talos --description x",
        "population delete talos",
        "host assign-population a.test --population talos",
        'host assign-population --filter "host:*" --population talos --confirm',
        "host set-expected-role a.test --role x --confirm",
        "host disable a.test --reason x",
      ];
      const state = async () => [
        (await run(world, "inventory seed list -o json")).stdout,
        (await run(world, "population list -o json")).stdout,
        (
          await run(world, 'host list -o json --filter "disabled:* OR disabled:null"')
        ).stdout.replaceAll(/"since":"[^"]*"/gu, ""),
      ];
      const was = await state();
      for (const command of commands) {
        const ran = await run(world, `${command} --dry-run`);
        expect([command, ran.code, ran.stdout.split("\n").at(-2)]).toEqual([
          command,
          0,
          "nothing was written: this was a dry run",
        ]);
        const json = jsonOf(await run(world, `${command} --dry-run -o json`));
        expect(json).toMatchObject({ written: false });
      }
      expect(await state()).toEqual(was);
    }),
  );

  it(
    "makes no store to show what would be done",
    inStore(async (world) => {
      for (const command of ["inventory seed add a.test", "population create p"]) {
        expect((await run(world, `${command} --dry-run`)).code).toBe(0);
      }
      expect((await run(world, "host list")).stdout).toContain("no hosts yet");
      expect(existsSync(world.at("state"))).toBe(false);
    }),
  );

  it(
    "does nothing without --confirm where that is asked for",
    inStore(async (world) => {
      await begin(world, { "a.test": up }, "a.test");
      for (const command of [
        "host set-expected-role a.test --role other",
        "host clear-expected-role a.test",
      ]) {
        const ran = await run(world, command);
        expect(ran.code).toBe(0);
      }
      expect(await hostsIn(world, "expected_role:null")).toEqual(["a.test"]);
      await run(world, "host set-expected-role a.test --role other --confirm");
      expect(await hostsIn(world, "expected_role:other drift:role")).toEqual(["a.test"]);
      await run(world, "host clear-expected-role a.test --confirm");
      expect(await hostsIn(world, "expected_role:null")).toEqual(["a.test"]);
    }),
  );

  it(
    "assigns one host by its name at once, and refuses what it does not know",
    inStore(async (world) => {
      await begin(world, { "a.test": up }, "a.test");
      await run(world, "population create talos --expected-role gecko_t_linux_talos");
      const assigned = await run(world, "host assign-population A.test. --population talos");
      expect(assigned.stdout).toBe("1 host assigned to talos\n  a.test\n");
      const again = await run(world, "host assign-population a.test --population talos");
      expect(again.stdout).toBe("nothing to do; 1 host so already\n");
      const ends = await Promise.all(
        [
          "host assign-population a.test --population talso",
          "host assign-population b.test --population talos",
          "host assign-population --population talos",
          'host assign-population a.test --filter "host:*" --population talos',
          "population delete talos",
          "population create talos",
          "population create x/y",
          "population create x --target-query rol:y",
          "population create x --workers y",
        ].map(async (command) => {
          const { code, stderr } = await run(world, command);
          return `${code} ${stderr.split("\n")[0]!.replace("muster: ", "")}`;
        }),
      );
      expect(ends).toEqual([
        '1 there is no population "talso"',
        '1 there is no host "b.test"',
        "1 either a host or a filter says who is meant",
        "1 either a host or a filter says who is meant",
        '5 hosts that are assigned to the population "talos": 1',
        '1 the population "talos" is there already',
        '1 a population cannot be called "x/y"',
        '1 the target query cannot be read: target-query:1:1: there is no field "rol" (did you mean "role"?)',
        '1 "y" is no worker pool',
      ]);
    }),
  );

  it(
    "edits what a flag names of a population, and deletes one without hosts",
    inStore(async (world) => {
      await run(world, 'population create p --expected-role r --description "first"');
      await run(world, "population edit p --workers releng/talos");
      expect(jsonOf(await run(world, "population show p -o json"))).toEqual({
        name: "p",
        expectedRole: "r",
        targetQuery: null,
        description: "first",
        workers: { provisioner: "releng", workerType: "talos" },
        keeper: { by: "cli" },
        hosts: [],
      });
      expect((await run(world, "population edit q --description x")).code).toBe(1);
      expect((await run(world, "population delete p")).stdout).toBe("1 population deleted\n  p\n");
      expect(jsonOf(await run(world, "population list -o json"))).toEqual([]);
    }),
  );

  it(
    "leaves a disabled host alone where no filter names it, and says who disabled it and why",
    inStore(async (world) => {
      await begin(world, { "a.test": up }, "a.test");
      const reasonless = await run(world, 'host disable a.test --reason " "');
      expect(reasonless.code).toBe(1);
      await run(world, 'host disable a.test --reason "bad disk"');
      expect(await hostsIn(world)).toEqual([]);
      expect(await hostsIn(world, "disabled:true")).toEqual(["a.test"]);
      expect((await run(world, "host show a.test")).stdout).toMatch(/disabled +bad disk, by \S+@/u);
      await run(world, 'host enable a.test --reason "new disk"');
      expect(await hostsIn(world)).toEqual(["a.test"]);
    }),
  );

  it(
    "shows what was never seen as unknown, and what was seen with its age",
    inStore(async (world) => {
      await begin(world, { "a.test": up }, "a.test", "b.test");
      const list = await run(world, "host list");
      expect(list.stdout.replaceAll(/ +/gu, " ").replace(/\d+ s ago/u, "0 s ago")).toBe(
        [
          "HOST ROLE EXPECTED POPULATION SSH DRIFT SEEN",
          "a.test gecko_t_linux_talos - - ok - 0 s ago",
          "b.test ? - - refused ? never",
          "2 of 2 hosts",
          "",
        ].join("\n"),
      );
      const shown = (await run(world, "host show b.test")).stdout;
      expect(shown).toMatch(
        /ssh +refused at tcp {2}\(\d+ s ago\)\n +connection refused\n +start sshd there, or/u,
      );
      expect(shown).toMatch(/role +\?/u);
      expect(shown).toMatch(/drift unknown +override: the override was never seen/u);
      const history = await run(world, "host history b.test");
      expect(history.stdout).toContain("refused");
      expect(history.stdout).toContain("connection refused");
      expect((await run(world, "host history c.test")).code).toBe(1);
    }),
  );

  it(
    "says what comes next on an empty roll, and what can be done about hosts that do not answer",
    inStore(async (world) => {
      const store = `sqlite:${world.at("other.db")}`;
      for (const [command, what] of [
        ["host list", "hosts"],
        ["inventory seed list", "seeds"],
        ["population list", "populations"],
      ]) {
        const none = await run(world, `${command} --store ${store}`);
        expect(none.stdout.split("\n")[0]).toBe(`no ${what} yet  (${store})`);
      }
      const nobody = await run(world, "inventory refresh");
      expect([nobody.code, nobody.stderr]).toEqual([
        0,
        "no seeds yet, so there is nobody to look at: inventory seed add HOST\n",
      ]);
      await run(world, "inventory seed add a.test b.test");
      expect((await run(world, "host show a.test")).stderr).toContain(
        "it is a seed that nobody has looked at yet: inventory refresh",
      );
      expect((await run(world, "host list")).stdout).toBe(
        "no hosts yet, and 2 seeds: look at them with: inventory refresh --seed all\n",
      );
      const message = '"b.test": no connection to 10.0.0.1 port 22';
      const timeout = { contact: { ...refused, reason: "timeout", message } } as const;
      const looked = await run(world, "inventory refresh", { "b.test": timeout });
      expect(looked.stdout).toContain("b.test  timeout at tcp  no connection to 10.0.0.1 port 22");
      expect(looked.stderr).toBe(
        [
          "0 answered, 1 refused, 1 timeout",
          "  refused: start sshd there, or correct the port; behind a jump host, allow forwarding on it",
          "  timeout: look whether the host runs and a firewall lets us through",
          "",
        ].join("\n"),
      );
      expect((await run(world, "host list -n 1")).stdout).toContain("2 of 2 hosts, 1 shown\n");
      const tooFew = await run(world, "host list -n 0");
      expect([tooFew.code, tooFew.stderr.split("\n")[0]]).toEqual([
        1,
        "muster: --limit 0 shows nothing",
      ]);
      expect((await run(world, "host show a.tst")).stderr).toContain('did you mean "a.test"?');
      expect((await run(world, "host show other")).stderr).toContain("list them with: host list");
    }),
  );

  it(
    "names what of the SSH configuration does not happen, once for all hosts",
    inStore(async (world) => {
      const config = await world.write(
        "ssh_config",
        [
          "Host *.test",
          "  HostName 127.0.0.1",
          "  Port 1",
          "  ForwardAgent yes",
          "  Wonder 1",
          "Match exec true",
          "  User nobody",
          "",
        ].join("\n"),
      );
      await run(world, "inventory seed add a.test b.test");
      const looked = await world.inside(["inventory", "refresh", "--ssh-config", config]);
      expect(looked.stderr.split("\n").filter((line) => line.startsWith("warning"))).toEqual([
        `warning: ${config}:4: forwarding the agent is never obeyed`,
        `warning: ${config}:5: "wonder" is not a word that muster knows`,
        `warning: ${config}:6: Match "exec" is never run: its lines are left out`,
      ]);
    }),
  );

  it(
    "finds hosts by drift, and tells a fault of a filter at its column",
    inStore(async (world) => {
      const override = { contact: answered, facts: { ...talos, overrideSha: "ab" } };
      await begin(world, { "a.test": up, "b.test": override }, "a.test", "b.test");
      const of = async (flags: string) =>
        (jsonOf(await run(world, `host list -o json ${flags}`)) as { matched: number }).matched;
      expect(await of("--drift-type override")).toBe(1);
      expect(await of("--drift-type any")).toBe(1);
      expect(await of("--drift-type tc-missing")).toBe(0);
      expect(await of('--drift-type override --filter "host:a.test OR host:b.test"')).toBe(1);
      const faulty = await run(world, 'host list --drift-type any --filter "host:a.test rol:x"');
      expect([faulty.code, faulty.stderr.split("\n")[0]]).toEqual([
        1,
        'muster: the filter cannot be read: filter:1:13: there is no field "rol" (did you mean "role"?)',
      ]);
    }),
  );

  it(
    "ends with 0, 6 or 2 as all, some or no hosts answer",
    inStore(async (world) => {
      await run(world, "inventory seed add a.test b.test");
      const codes = await Promise.all(
        [{ "a.test": up, "b.test": up }, { "a.test": up }, {}].map(
          async (answers) => (await run(world, "inventory refresh --seed all", answers)).code,
        ),
      );
      expect(codes).toEqual([0, 6, 2]);
      const one = await run(world, "host refresh b.test -o json", { "b.test": up });
      expect([one.code, jsonOf(one)]).toMatchObject([0, { host: "b.test", contact: answered }]);
      expect((await run(world, "inventory refresh --seed c.test")).code).toBe(1);
      expect((await run(world, "inventory refresh --concurrency 0")).code).toBe(1);
    }),
  );
});
