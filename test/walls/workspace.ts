// The packages and modules of a repository, as the rules see them.

import { type Import, type Module, readModule } from "./imports.ts";
import type { Repo } from "./repo.ts";

export interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  /** The targets of `exports` and `bin` that are files of this repository. */
  readonly targets: ReadonlyArray<string>;
}

/** A file with imports, and where it stands. */
export interface Source extends Module {
  readonly file: string;
  /** The folder under `packages/`, or "" for what belongs to the root. */
  readonly package: string;
  /** Its path inside the package. */
  readonly inside: string;
  /** Whether it is published with the package, rather than a test or a bench of it. */
  readonly published: boolean;
}

export interface Workspace {
  readonly repo: Repo;
  /** By folder under `packages/`; "" is the root. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly sources: ReadonlyArray<Source>;
}

export const openWorkspace = (repo: Repo): Workspace => {
  const manifests = new Map<string, Manifest>();
  const sources: Array<Source> = [];
  for (const [file, text] of repo) {
    const folder = /^(?:packages\/([^/]+)\/)?package\.json$/.exec(file);
    if (folder !== null) manifests.set(folder[1] ?? "", readManifest(text));
    if (/^(packages|test|scripts|bench)\/.*\.(ts|mts|js|mjs)$/.test(file)) {
      sources.push(readSource(file, text));
    }
  }
  return { repo, manifests, sources };
};

const readSource = (file: string, text: string): Source => {
  const [, owner = "", inside = file] = /^packages\/([^/]+)\/(.*)$/.exec(file) ?? [];
  const published = owner !== "" && /^(src|bin)\//.test(inside);
  return { file, package: owner, inside, published, ...readModule(file, text) };
};

const readManifest = (text: string): Manifest => {
  const {
    exports = {},
    bin = {},
    ...rest
  } = JSON.parse(text) as Partial<Manifest> & {
    readonly exports?: object;
    readonly bin?: object;
  };
  return {
    name: rest.name ?? "",
    ...(rest.version === undefined ? {} : { version: rest.version }),
    dependencies: rest.dependencies ?? {},
    peerDependencies: rest.peerDependencies ?? {},
    devDependencies: rest.devDependencies ?? {},
    targets: [...leaves(exports), ...leaves(bin)].filter((target) => !target.includes("*")),
  };
};

const leaves = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : Object.values((value ?? {}) as Readonly<Record<string, unknown>>).flatMap(leaves);

/** `@muster/core/words/plan` → `@muster/core`; `node:fs/promises` stays; a relative path is null. */
export const packageOf = (specifier: string): string | null => {
  if (/^[./]/.test(specifier)) return null;
  if (specifier.startsWith("node:")) return specifier;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
};

/** The file of this repository that an import means, or null when it means something else. */
export const fileOf = ({ repo }: Workspace, from: string, { specifier }: Import): string | null => {
  if (specifier === null) return null;
  const [, owner, inside = "index"] = /^@muster\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  if (owner !== undefined) {
    const file = `packages/${owner}/src/${inside}.ts`;
    return repo.has(file) ? file : null;
  }
  return specifier.startsWith(".") ? normal(`${from}/../${specifier}`) : null;
};

/** Without `.` and `..`. */
const normal = (file: string): string => {
  const parts: Array<string> = [];
  for (const part of file.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
};
