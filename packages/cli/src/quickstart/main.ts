// The quickstart: from an empty folder to a running fleet that git describes, with the real command line.
//
// Makes a config repository, starts an OCI simulator, commits a fleet of 3 and converges, plans and
// merges 5, and shows the status commit and the audit chain; then calls the roll of 50 hosts over
// SSH. No account, no root, nothing left behind.

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { callTheRoll } from "./hosts.ts";
import { openWorkshop, type Simulator, StepFailed, type Workshop } from "./workshop.ts";

const begun = Date.now();

const tell = (text: string): void => void process.stdout.write(`\n── ${text}\n`);

const quickstart = async (shop: Workshop): Promise<void> => {
  const repo = path.join(shop.folder, "fleets.git");
  const clone = path.join(shop.folder, "clone");
  const fleet = path.join(clone, "fleets", "web.yaml");

  tell("A config repository, and an OCI of your own on this machine");
  await shop.git(["init", "--quiet", "--bare", "--initial-branch=main", repo]);
  await shop.git(["clone", "--quiet", repo, clone]);
  // Whoever goes on by hand may have told git no name of theirs.
  await shop.git(["-C", clone, "config", "user.name", "Quick Start"]);
  await shop.git(["-C", clone, "config", "user.email", "quickstart@localhost"]);
  await shop.muster(["init", "clone"]);
  const simulator = await shop.startSimulator();
  process.stdout.write(`\nOCI simulator at ${simulator.endpoint}\n`);

  tell("Commit a fleet of 3, and let the runner make it so");
  await fillIn(fleet, simulator);
  await shop.muster(["validate", "clone"]);
  await commit(shop, clone, "A fleet of 3");
  const run = ["run", "--repo", repo, "--once", "--allow-profile", "DEFAULT"];
  await shop.muster(run);

  tell("Somebody asks for 5: the plan, before anything is merged");
  await setCount(fleet, 5);
  const owner = await ownerMark(shop, clone);
  await shop.muster(["plan", "clone/fleets", "--owner", owner]);

  tell("Merged: the runner acts on it");
  await commit(shop, clone, "Grow to 5");
  await shop.muster(run);

  tell("Again: nothing to do, nothing pushed");
  await shop.muster(run);

  tell("What the runner said in git, and whether the audit chain is whole");
  process.stdout.write(
    await shop.git([
      "-C",
      repo,
      "log",
      "-1",
      "--format=%h %s%n%n%(trailers)",
      "muster/status/default",
    ]),
  );
  const status = await statusOf(shop, repo);
  process.stdout.write(`${status}\n`);
  await shop.muster(["audit", "verify", "--repo", repo, "--head", await auditHead(shop, repo)]);

  await callTheRoll(shop, tell);

  tell(`Done in ${((Date.now() - begun) / 1000).toFixed(0)} s. Try next:`);
};

const fillIn = async (file: string, simulator: Simulator): Promise<void> => {
  const text = await readFile(file, "utf8");
  await writeFile(
    file,
    text
      .replace(/compartmentId: .*/u, `compartmentId: ${simulator.compartmentId}`)
      .replace(/imageId: .*/u, `imageId: ${simulator.imageId}`)
      .replace(/subnetId: .*/u, `subnetId: ${simulator.subnetId}`),
  );
};

const setCount = async (file: string, count: number): Promise<void> => {
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/count: \d+/u, `count: ${count}`));
};

const commit = async (shop: Workshop, clone: string, subject: string): Promise<void> => {
  process.stdout.write(`\n$ git commit -am '${subject}' && git push\n`);
  await shop.git(["-C", clone, "add", "--all"]);
  await shop.git(["-C", clone, "commit", "--quiet", "-m", subject]);
  await shop.git(["-C", clone, "push", "--quiet", "origin", "HEAD:main"]);
};

/** The mark of the runner's members, as its last audit entry names it. */
const ownerMark = async (shop: Workshop, clone: string): Promise<string> => {
  await shop.git(["-C", clone, "fetch", "--quiet", "origin", "muster/audit/default"]);
  const files = await shop.git(["-C", clone, "ls-tree", "-r", "--name-only", "FETCH_HEAD"]);
  const last = files.trim().split("\n").at(-1)!;
  const lines = await shop.git(["-C", clone, "show", `FETCH_HEAD:${last}`]);
  return (JSON.parse(lines.split("\n")[0]!) as { readonly owner: string }).owner;
};

interface Status {
  readonly conditions: ReadonlyArray<{
    readonly type: string;
    readonly status: string;
    readonly message: string;
  }>;
  readonly members: ReadonlyArray<{ readonly name: string; readonly phase: string }>;
}

const statusOf = async (shop: Workshop, repo: string): Promise<string> => {
  const json = await shop.git([
    "-C",
    repo,
    "show",
    "muster/status/default:fleets/FleetConfig.web.status.json",
  ]);
  const status = JSON.parse(json) as Status;
  return [
    ...status.conditions.map(({ type, status: is, message }) => `  ${type}=${is}  ${message}`),
    `  members: ${status.members.map(({ name, phase }) => `${name} ${phase}`).join(", ")}`,
  ].join("\n");
};

const auditHead = async (shop: Workshop, repo: string): Promise<string> => {
  const trailer = await shop.git([
    "-C",
    repo,
    "log",
    "-1",
    "--format=%(trailers:key=Muster-Audit,valueonly)",
    "muster/status/default",
  ]);
  return trailer.trim();
};

const nextSteps = (shop: Workshop): string =>
  keep
    ? [
        `  cd ${path.relative(process.env["INIT_CWD"] ?? ".", shop.folder)}     in a second terminal`,
        "  . ./env                  where simulator, hosts and store are",
        "  edit clone/fleets/web.yaml, commit, push, then:",
        '  npx muster run --repo "$PWD/fleets.git" --once --allow-profile DEFAULT',
        "or ask about the hosts:",
        "  npx fleetroll host show host-0010",
        "",
        "The tutorial goes on from here: docs/tutorial.md",
        "Simulator and hosts run until you press Control-C; then remove the folder.",
      ].join("\n")
    : [
        "  docs/tutorial.md                  the fleet slowly, then one of your own",
        "  docs/how-to/onboard-hosts.md      the hosts slowly, then your own",
        "  npm run quickstart -- --keep      the same, kept to play with",
        "  npx muster --help                 all commands, with examples",
      ].join("\n");

const keep = process.argv.includes("--keep");
const shop = await openWorkshop(keep).catch((error: unknown) => {
  process.stderr.write(
    `quickstart: ${error instanceof StepFailed ? error.message : String(error)}\n`,
  );
  process.exit(2);
});
const end = async (code: number): Promise<never> => {
  await shop.close();
  process.exit(code);
};
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end(130));
try {
  await quickstart(shop);
  if (keep) await shop.writeEnv();
  process.stdout.write(`${nextSteps(shop)}\n`);
  if (keep) await shop.simulatorsEnd();
  await end(0);
} catch (error) {
  process.stderr.write(
    `quickstart: ${error instanceof StepFailed ? error.message : String(error)}\n`,
  );
  await end(2);
}
