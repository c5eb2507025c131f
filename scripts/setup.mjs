// Keeps node_modules equal to the lock file and dist equal to the sources; runs on Node 20, alone.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const installed = path.join(root, "node_modules");
const bin = path.join(installed, ".bin");
const stampFile = path.join(installed, ".muster-stamp");

/** The environment in which `node` is the Node of this repository, and tools go by their names. */
export const toolEnv = () => ({
  ...process.env,
  PATH: [bin, process.env.PATH ?? ""].join(path.delimiter),
});

/** Installs what the lock file says, unless the stamp tells that it is there. */
export const ensureInstalled = () => {
  if (readOr(stampFile, "") === stamp()) return;
  process.stderr.write("muster: installing the locked dependencies (once)\n");
  const [command, ...first] = npm();
  run(command, [...first, "ci", "--no-audit", "--no-fund", "--loglevel=error"], process.env);
  markInstalled();
};

/** Says that node_modules is what the lock file says. */
export const markInstalled = () => writeFileSync(stampFile, stamp());

/** Compiles what changed. */
export const build = () => run("tsc", ["-b", "tsconfig.build.json"], toolEnv());

const stamp = () =>
  createHash("sha256")
    .update(`${process.platform} ${process.arch}\n`)
    .update(readFileSync(path.join(root, "package-lock.json")))
    .digest("hex");

/** The npm that started us, under its own Node: the one in node_modules goes away meanwhile. */
const npm = () => {
  const { npm_execpath: script, npm_node_execpath: node } = process.env;
  return script !== undefined && node !== undefined && !node.startsWith(installed)
    ? [node, script]
    : ["npm"];
};

const run = (command, args, env) => {
  // What a tool says here must not mix with the output of the command that is to come.
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ["ignore", process.stderr, process.stderr],
  });
  if (error !== undefined) throw error;
  if (status === 0) return;
  process.stderr.write(`muster: ${command} ${args.join(" ")} failed\n`);
  process.exit(1);
};

const readOr = (file, fallback) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return fallback;
  }
};
