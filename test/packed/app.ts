// An application of somebody else, elsewhere: the packed packages installed as from a registry.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

export const root = path.resolve(import.meta.dirname, "../..");

/** Only the packages that muster itself is made of. */
const outOfReach = ["node_modules", "package-lock.json", "dist"];

interface Tarball {
  readonly name: string;
  readonly filename: string;
  readonly files: ReadonlyArray<{ readonly path: string }>;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface App {
  /** Holds everything that was made; to be removed. */
  readonly room: string;
  readonly folder: string;
  readonly tarballs: ReadonlyArray<Tarball>;
}

/** Packs every package and installs the tarballs into a copy of `examples/embed`. */
export const installApp = async (): Promise<App> => {
  const room = await mkdtemp(path.join(tmpdir(), "muster-packed-"));
  const tarballs = await pack(path.join(room, "tarballs"));
  const folder = path.join(room, "app");
  const example = path.join(root, "examples/embed");
  await cp(example, folder, {
    recursive: true,
    filter: (file) => !outOfReach.includes(path.basename(file)),
  });
  await cp(path.join(root, ".npmrc"), path.join(folder, ".npmrc"));
  await pointToTarballs(folder, tarballs);
  const { code, stderr } = await run(folder, "npm", ["install", "--no-audit", "--loglevel=error"]);
  if (code !== 0) throw new Error(`npm install failed:\n${stderr}`);
  return { room, folder, tarballs };
};

const pack = async (into: string): Promise<ReadonlyArray<Tarball>> => {
  await mkdir(into);
  const args = ["pack", "--workspaces", "--json", "--pack-destination", into];
  const { code, stdout, stderr } = await run(root, "npm", args);
  if (code !== 0) throw new Error(`npm pack failed:\n${stderr}`);
  const packed = JSON.parse(stdout) as ReadonlyArray<Tarball> | Readonly<Record<string, Tarball>>;
  return Object.values(packed);
};

/** Each package of muster comes from its tarball, also where another one asks for it. */
const pointToTarballs = async (folder: string, tarballs: ReadonlyArray<Tarball>): Promise<void> => {
  const file = path.join(folder, "package.json");
  const manifest = JSON.parse(await readFile(file, "utf8")) as {
    readonly dependencies: Record<string, string>;
  };
  for (const { name, filename } of tarballs) {
    manifest.dependencies[name] = `file:../tarballs/${path.basename(filename)}`;
  }
  await writeFile(file, JSON.stringify(manifest));
};

/** Runs a program outside of this repository's own tools: its Node and bins are not on the path. */
export const run = async (
  cwd: string,
  command: string,
  args: ReadonlyArray<string>,
): Promise<Ran> => {
  const own = path.join(root, "node_modules");
  const PATH = (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((entry) => !entry.startsWith(own))
    .join(path.delimiter);
  // What npm told the test run about this repository is not for the npm of another project.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|execpath|node)/.test(name),
    ),
  );
  const options = { cwd, env: { ...env, PATH, INIT_CWD: cwd }, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout, stderr } = await promisify(execFile)(command, [...args], options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as Partial<Ran> & { readonly code?: unknown };
    if (typeof code !== "number") throw error;
    return { code, stdout, stderr };
  }
};

/** Every folder of this name below another, however deep. */
export const foldersNamed = async (
  folder: string,
  name: string,
): Promise<ReadonlyArray<string>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name === name)
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
};
