// Holds of every command about hosts, found in the command line itself: what is shown changes nothing, and what changes is audited with it.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { type Batch, type StoreRecord, type StoreShape, verifyChain } from "@muster/core";
import { HostKeys } from "@muster/core/inventory/host-keys";
import { Prober } from "@muster/core/inventory/refresh";
import { inventoryOwner } from "@muster/core/inventory/roll";
import { Sender } from "@muster/core/inventory/send";
import { canonicalJson } from "@muster/core/words/canonical";
import { openSqliteStore } from "@muster/store-sql";
import { type CommandPage, commandTree } from "../scripts/reference/command-tree.ts";
import { fleetroll } from "../packages/cli/src/fleetroll-command.ts";
import { defaultWiring } from "../packages/cli/src/wiring.ts";
import { allBytes, inWorld, type Ran, type World } from "../packages/cli/test/world.ts";

/** Every command that has no other below it. */
const leavesOf = (page: CommandPage): ReadonlyArray<CommandPage> =>
  page.subcommands.length === 0 ? [page] : page.subcommands.flatMap(leavesOf);

const leaves = leavesOf(await commandTree(fleetroll));

const nameOf = ({ path }: CommandPage): string => path.replace("fleetroll ", "");

const hasFlag = ({ help }: CommandPage, name: string): boolean =>
  help.flags.some((flag) => flag.name === name);

/** What these do happens at a host, or in the files of OpenSSH, and not on the roll. */
const acts = new Set(["converge host", "reboot host", "host hostkey accept"]);

/** These ask hosts, and change nothing by it: a handshake. */
const asks = new Set(["host hostkey show"]);

/** Looking at hosts is no edit, though hosts that are new are discovered by it. */
const looks = new Set(["inventory refresh", "host refresh"]);

const host = "t-linux64-001.test.example";
const population = "gecko-t-linux-talos";
const create = `population create ${population} --expected-role gecko_t_linux_talos`;
const rollCall = [`inventory seed add ${host}`, "inventory refresh"];

/** What stands before the first example of a command, so that it has something to do. */
const scenes: Readonly<Record<string, ReadonlyArray<string>>> = {
  "inventory seed add": [],
  "inventory seed sync": [],
  "inventory refresh": [`inventory seed add ${host}`],
  "population create": [],
  "population edit": [create],
  "population delete": ["population create lab"],
  "host assign-population": [...rollCall, create],
  "host clear-expected-role": [
    ...rollCall,
    create,
    `host assign-population ${host} --population ${population}`,
  ],
  "host enable": [...rollCall, `host disable ${host} --reason x`],
};

/** Commands that want to be confirmed for some of what they do only, and an example of that. */
const confirmedInPart: Readonly<Record<string, string>> = {
  "host assign-population": `host assign-population --filter role:gecko_t_linux_talos --population ${population}`,
};

interface Watched {
  readonly batches: Array<Batch>;
  /** How often a host was asked anything. */
  looks: number;
  /** What was done outside of the store, and whether the audit told it before. */
  readonly effects: Array<{ readonly what: string; readonly isTold: boolean }>;
}

const talos = { role: "gecko_t_linux_talos", os: "Linux", overrideSha: null, sudo: "yes" } as const;

const answer = {
  code: 0,
  signal: null,
  stdout: new Uint8Array(),
  stderr: new Uint8Array(),
  truncated: false,
};

const shownKey = {
  type: "ssh-ed25519",
  fingerprint: `SHA256:${"A".repeat(43)}`,
  verdict: "changed",
  standing: [],
  name: host,
  file: "known_hosts",
} as const;

/** Runs a command; tells what it handed to the store, and to hosts. */
const run = async (world: World, command: string): Promise<Ran & Watched> => {
  const watched: Watched = { batches: [], looks: 0, effects: [] };
  const prober = Layer.succeed(Prober, {
    look: ({ host: name }) =>
      Effect.sync(() => {
        watched.looks += 1;
        const contact = { reason: null, step: null, message: null };
        const at = new Date().toISOString();
        const facts = { ...talos, bootId: `after ${watched.effects.length}` };
        return { observation: { host: name, at, contact, facts }, override: null };
      }),
  });
  const act = (what: string) =>
    Effect.sync(() => {
      const said = watched.batches.flatMap(({ audit = [] }) => audit);
      const isTold = said.some(({ phase, targets }) => phase === "intent" && targets[0] === host);
      watched.effects.push({ what, isTold });
    });
  const sender = Layer.succeed(Sender, {
    send: (_address, { before, line }) => before.pipe(Effect.andThen(act(line)), Effect.as(answer)),
  });
  const keys = Layer.succeed(HostKeys, {
    look: () =>
      Effect.sync(() => {
        watched.looks += 1;
        return shownKey;
      }),
    accept: (_address, _fingerprint, before) =>
      before.pipe(
        Effect.andThen(act("accept")),
        Effect.as({ file: "known_hosts", replaced: [], left: [] }),
      ),
  });
  const ran = await world.inside(wordsOf(command), {
    env: { MUSTER_STORE: storeOf(world), MUSTER_CONFIG: world.at("muster.config.mjs") },
    wiring: {
      prober: () => prober,
      sender: () => sender,
      hostKeys: () => keys,
      openStore: (place, access) =>
        Effect.map(defaultWiring.openStore(place, access), (store) => watching(store, watched)),
    },
  });
  return { ...ran, ...watched };
};

const watching = (store: StoreShape, { batches }: Watched): StoreShape => ({
  ...store,
  commit: (batch) =>
    Effect.suspend(() => {
      batches.push(batch);
      return store.commit(batch);
    }),
});

const storeOf = (world: World): string => `sqlite:${world.at("store", "roll.db")}`;

/** Splits as a shell does, quotes kept together. */
const wordsOf = (command: string): ReadonlyArray<string> =>
  Array.from(
    command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/gu),
    ([, double, single, plain]) => double ?? single ?? plain!,
  );

/** Everything that stands in the store. */
const imageOf = (world: World): Promise<string> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const path = world.at("store", "roll.db");
        const store = yield* openSqliteStore({ path, readOnly: true, missing: "empty" });
        const shares: Record<string, ReadonlyArray<StoreRecord>> = {};
        for (const owner of yield* store.owners) shares[owner] = yield* store.load(owner);
        const entries = yield* store.auditEntries(0, 1_000);
        expect(verifyChain(entries, yield* store.auditHead)).toBeUndefined();
        return canonicalJson([shares, entries, yield* store.lease(inventoryOwner)]);
      }),
    ),
  );

/** Where OpenSSH keeps what it trusts, and a file of seeds. */
const furnish = async (world: World): Promise<void> => {
  await world.write("home/.ssh/known_hosts", `${host} ssh-ed25519 AAAA\n`);
  await world.write("muster.config.mjs", 'export default { hosts: { converge: "true" } };\n');
  await world.write("seeds.txt", `${host}\nt-linux64-002.test.example\n`);
};

/** The first example of a command as a person would type it here, without asking for it to be done. */
const exampleOf = (leaf: CommandPage, world: World): string => {
  const said = leaf.help.examples?.[0]?.command;
  if (said === undefined) throw new Error(`${leaf.path} has no example`);
  return said
    .replace(/^(?:muster|fleetroll) /u, "")
    .replaceAll(" --confirm", "")
    .replaceAll(" --dry-run", "")
    .replace(/\S*seeds\.txt/u, world.at("seeds.txt"));
};

const jsonOf = ({ stdout }: Ran) => JSON.parse(stdout) as Readonly<Record<string, unknown>>;

const isEdit = ({ owner, puts = [], deletes = [] }: Batch): boolean =>
  owner === inventoryOwner && puts.length + deletes.length > 0;

/** Whether it can be shown without being done. */
const isShown = (leaf: CommandPage): boolean => hasFlag(leaf, "dry-run");

const sortOf = (leaf: CommandPage) => ({
  name: nameOf(leaf),
  confirm: hasFlag(leaf, "confirm") ? " --confirm" : "",
});

/** Sets the scene, and answers the example. */
const prepare = async (leaf: CommandPage, world: World): Promise<string> => {
  await furnish(world);
  for (const command of scenes[nameOf(leaf)] ?? [...rollCall, create]) {
    expect([command, (await run(world, command)).code]).toEqual([command, 0]);
  }
  return exampleOf(leaf, world);
};

describe("a command about hosts", () => {
  it("is looked for in the command line, and those that are known are found", () => {
    expect(leaves.map(nameOf)).toEqual(
      expect.arrayContaining([...Object.keys(scenes), ...looks, ...acts, ...asks, "host list"]),
    );
  });

  for (const leaf of leaves.filter(isShown)) {
    const { name, confirm } = sortOf(leaf);
    it(
      `${name}: what is shown is what is done, and changes nothing`,
      inWorld(async (world) => {
        const example = await prepare(leaf, world);
        const state = async () => [await imageOf(world), allBytes(world.at("home"))];
        const before = await state();
        const unconfirmed = confirm === "" ? [] : [confirmedInPart[name] ?? example];
        const shown = [example, `${example}${confirm}`, ...unconfirmed];
        for (const command of [...shown.map((one) => `${one} --dry-run`), ...unconfirmed]) {
          const told = await run(world, command);
          expect([command, told.code, told.stderr]).toEqual([command, 0, ""]);
          expect(told.stdout).toMatch(/nothing was (?:written|sent)/u);
          expect([command, told.batches, told.effects]).toEqual([command, [], []]);
          expect([command, told.looks]).toEqual([command, name === "host hostkey accept" ? 1 : 0]);
          const { written, sent, accepted } = jsonOf(await run(world, `${command} -o json`));
          expect(written ?? sent ?? accepted ?? false).toBe(false);
        }
        expect(await state()).toEqual(before);
        if (acts.has(name)) return;

        const would = jsonOf(await run(world, `${example} --dry-run -o json`));
        const done = await run(world, `${example}${confirm} -o json`);
        expect([done.code, done.stderr]).toEqual([0, ""]);
        // An example that has nothing to do proves nothing: give it a scene above.
        expect(done.batches.filter(isEdit)).not.toEqual([]);
        expect(jsonOf(done)).toEqual({ ...would, written: true });
      }),
    );
  }

  for (const leaf of leaves) {
    const { name, confirm } = sortOf(leaf);
    it(
      `${name}: ${isShown(leaf) ? "audits what it changes with it" : "changes nothing of what people said"}`,
      inWorld(async (world) => {
        const example = await prepare(leaf, world);
        const before = await imageOf(world);
        const done = await run(world, `${example}${confirm}`);
        for (const batch of done.batches.filter(isEdit)) {
          expect(batch.audit ?? []).toHaveLength(1);
          const [entry] = batch.audit!;
          expect([entry!.approval.mode, entry!.targets.length > 0]).toEqual(["self", true]);
          expect(entry!.actor.claimed).toMatch(/^ann@/u);
        }
        expect(done.effects.map(({ isTold }) => isTold)).toEqual(acts.has(name) ? [true] : []);
        if (name === "inventory refresh") expect(done.batches.filter(isEdit)).toHaveLength(1);
        if (isShown(leaf) || looks.has(name)) return;
        expect([done.batches, done.looks]).toEqual([[], asks.has(name) ? 1 : 0]);
        expect(await imageOf(world)).toBe(before);
      }),
    );
  }
});
