// The rules that hold the walls: each gives one line for each breach, with file and line.

import { cyclesOf } from "./cycles.ts";
import type { Import } from "./imports.ts";
import { guardedNode, lazy, type Wall, walls } from "./table.ts";
import { fileOf, type Manifest, packageOf, type Source, type Workspace } from "./workspace.ts";

export type Rule = (workspace: Workspace) => ReadonlyArray<string>;

const at = (source: Source, line: number): string => `${source.file}:${line}`;

/** Everything that a source imports from outside its package, with the name of where it comes from. */
const outside = (
  source: Source,
): ReadonlyArray<{ readonly name: string; readonly entry: Import }> =>
  source.imports.flatMap((entry) => {
    const name = entry.specifier === null ? null : packageOf(entry.specifier);
    return name === null ? [] : [{ name, entry }];
  });

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

const muster = (name: string): string | undefined => /^@muster\/(.+)$/.exec(name)?.[1];

const forTests = ["vitest", "@effect/vitest", "yaml"];

/** Whether the wall lets this name through, in published code or in tests. */
const lets = (wall: Wall, name: string, published: boolean): boolean => {
  const own = muster(name);
  if (own !== undefined) {
    return wall.muster.includes(own) || (!published && own === "testkit");
  }
  if (name.startsWith("node:")) return wall.node || !published;
  if (wall.world === "any" || wall.world.includes(name)) return true;
  if (Object.keys(wall.inOneFile ?? {}).some((pattern) => matches(pattern, name))) return true;
  return !published && [...forTests, ...(wall.forTests ?? [])].includes(name);
};

/** Every package stands in the table, and the table names no other. */
const everyPackageHasAWall: Rule = ({ manifests }) => {
  const packages = [...manifests.keys()].filter((folder) => folder !== "");
  return [
    ...packages
      .filter((folder) => walls[folder] === undefined)
      .map((folder) => `packages/${folder}: has no row in the table of walls`),
    ...packages
      .filter((folder) => manifests.get(folder)?.name !== `@muster/${folder}`)
      .map((folder) => `packages/${folder}: is not named @muster/${folder}`),
  ];
};

/** What is imported is what the table lets through. */
const importsStayInside: Rule = ({ sources }) =>
  sources.flatMap((source) => {
    const wall = walls[source.package];
    if (wall === undefined) return [];
    return outside(source)
      .filter(({ name }) => !lets(wall, name, source.published))
      .map(({ name, entry }) => `${at(source, entry.line)}: may not import ${name}`);
  });

/** A relative import never leaves its package; tests of the whole repository may enter one. */
const relativeImportsStayHome: Rule = (workspace) =>
  workspace.sources.flatMap((source) => {
    if (source.package === "") return [];
    return source.imports.flatMap((entry) => {
      if (entry.specifier === null || packageOf(entry.specifier) !== null) return [];
      const target = fileOf(workspace, source.file, entry);
      const home = source.published ? `${source.inside.split("/")[0]}/` : "";
      const stays =
        target?.startsWith(`packages/${source.package}/${home}`) === true ||
        (source.inside.startsWith("bin/") && entry.specifier.startsWith("../dist/"));
      return stays ? [] : [`${at(source, entry.line)}: leaves its package by ${entry.specifier}`];
    });
  });

/** A vendor's library and a guarded module of Node live in one file of the package, or in few named ones. */
const oneFileEach: Rule = ({ sources }) =>
  sources
    .filter((source) => source.published)
    .flatMap((source) => {
      const wall = walls[source.package]?.inOneFile ?? {};
      return outside(source).flatMap(({ name, entry }) => {
        const [pattern, kept = []] =
          Object.entries(wall).find(([pattern]) => matches(pattern, name)) ??
          (guardedNode.includes(name) ? [name, "no file"] : []);
        const files = typeof kept === "string" ? [kept] : kept;
        if (pattern === undefined || files.includes(source.inside)) return [];
        return [`${at(source, entry.line)}: only ${files.join(" and ")} may import ${pattern}`];
      });
    });

/** What does not touch Node does not touch its globals either. */
const noNodeGlobals: Rule = ({ sources }) =>
  sources
    .filter((source) => source.published && walls[source.package]?.node === false)
    .flatMap((source) =>
      source.globals.map(({ name, line }) => `${at(source, line)}: may not use ${name}`),
    );

/** An import whose name is computed cannot be judged. */
const noComputedImports: Rule = ({ sources }) =>
  sources
    .filter((source) => source.published)
    .filter((source) => walls[source.package]?.computed?.includes(source.inside) !== true)
    .flatMap((source) =>
      source.imports
        .filter(({ specifier }) => specifier === null)
        .map(({ line }) => `${at(source, line)}: imports what it computes`),
    );

const declared = (manifest: Manifest, published: boolean): ReadonlySet<string> =>
  new Set([
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.peerDependencies),
    ...(published ? [] : Object.keys(manifest.devDependencies)),
  ]);

/** What is imported is declared, which npm workspaces do not ask for. */
const importsAreDeclared: Rule = ({ sources, manifests }) =>
  sources.flatMap((source) => {
    const manifest = manifests.get(source.package);
    if (manifest === undefined) return [`${source.file}: has no package.json`];
    const known = declared(manifest, source.published);
    return outside(source)
      .filter(({ name }) => !name.startsWith("node:"))
      .filter(({ name }) => !known.has(name))
      .map(({ name, entry }) => `${at(source, entry.line)}: ${name} is not declared`);
  });

/** What a package declares is imported: in what it publishes, or for `devDependencies` anywhere. */
const declarationsAreUsed: Rule = ({ sources, manifests }) =>
  [...manifests].flatMap(([folder, manifest]) => {
    if (folder === "") return [];
    const mine = sources.filter((source) => source.package === folder);
    const used = (published: boolean): ReadonlySet<string> =>
      new Set(
        mine
          .filter((source) => source.published || !published)
          .flatMap((source) => outside(source).map(({ name }) => name)),
      );
    const unused = (names: object, published: boolean): ReadonlyArray<string> =>
      Object.keys(names).filter((name) => !used(published).has(name));
    return [
      ...unused({ ...manifest.dependencies, ...manifest.peerDependencies }, true),
      ...unused(manifest.devDependencies, false),
    ].map((name) => `packages/${folder}/package.json: ${name} is declared and not used`);
  });

/** What is declared is what the table lets through. */
const declarationsStayInside: Rule = ({ manifests }) =>
  [...manifests].flatMap(([folder, manifest]) => {
    const wall = walls[folder];
    if (wall === undefined) return [];
    return [...declared(manifest, true)]
      .filter((name) => !lets(wall, name, true))
      .map((name) => `packages/${folder}/package.json: may not depend on ${name}`);
  });

/** Who embeds a package brings the one Effect of the process. */
const effectIsAPeer: Rule = ({ manifests }) =>
  [...manifests].flatMap(([folder, { dependencies, peerDependencies }]) => {
    const wall = walls[folder];
    if (wall === undefined) return [];
    const [has, lacks] =
      wall.application === true
        ? [dependencies, peerDependencies]
        : [peerDependencies, dependencies];
    const kind = wall.application === true ? "dependency" : "peer dependency";
    return has["effect"] !== undefined && lacks["effect"] === undefined
      ? []
      : [`packages/${folder}/package.json: effect must be a ${kind}`];
  });

/** Versions are exact, and one for the whole repository. */
const oneExactVersion: Rule = ({ manifests }) => {
  const seen = new Map<string, string>();
  for (const { name, version } of manifests.values()) {
    if (version !== undefined) seen.set(name, version);
  }
  return [...manifests].flatMap(([folder, manifest]) => {
    const { dependencies, peerDependencies, devDependencies } = manifest;
    const ofHost = walls[folder]?.ofHost ?? [];
    const peers = Object.fromEntries(
      Object.entries(peerDependencies).filter(([name]) => !ofHost.includes(name)),
    );
    return [dependencies, peers, devDependencies].flatMap((group) =>
      Object.entries(group).flatMap(([name, version]) => {
        const first = seen.get(name) ?? version;
        seen.set(name, first);
        const where = `${folder === "" ? "" : `packages/${folder}/`}package.json`;
        if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
          return [`${where}: ${name} ${version} is not an exact version`];
        }
        return first === version
          ? []
          : [`${where}: ${name} is ${version} here and ${first} elsewhere`];
      }),
    );
  });
};

const importGraph = (workspace: Workspace): Map<string, Set<string>> =>
  new Map(
    workspace.sources.map((source) => [
      source.file,
      new Set(
        source.imports
          .map((entry) => fileOf(workspace, source.file, entry))
          .filter((file) => file !== null),
      ),
    ]),
  );

/** Types count: a circle of types is a circle of ideas. */
const noCycles: Rule = (workspace) =>
  cyclesOf(importGraph(workspace)).map((cycle) => `import cycle: ${cycle.join(", ")}`);

/** A file that nothing imports and nobody can start is left over. */
const noOrphans: Rule = (workspace) => {
  const imported = new Set(
    [...importGraph(workspace)].flatMap(([file, targets]) =>
      [...targets].filter((target) => target !== file),
    ),
  );
  const entry = (source: Source): boolean =>
    /^bin\/|^src\/(index|main|fleetctl-main|fleetroll-main)\.ts$|^src\/quickstart\/main\.ts$/.test(
      source.inside,
    );
  return workspace.sources
    .filter((source) => source.published && !entry(source) && !imported.has(source.file))
    .map((source) => `${source.file}: nothing imports it`);
};

/** The entries of the table load nothing that should come later. */
const heavyThingsLoadLate: Rule = (workspace) => {
  const byFile = new Map(workspace.sources.map((source) => [source.file, source]));
  return lazy.flatMap(({ entry, never }) => {
    const seen = new Set<string>();
    const breaches: Array<string> = [];
    const load = (file: string): void => {
      const source = byFile.get(file);
      if (source === undefined || seen.has(file)) return;
      seen.add(file);
      for (const found of source.imports.filter(({ when }) => when === "load")) {
        const name = packageOf(found.specifier ?? "") ?? "";
        if (never.some((pattern) => matches(pattern, name))) {
          breaches.push(`${at(source, found.line)}: ${entry} would load ${name} at once`);
        } else {
          const next = fileOf(workspace, file, found);
          if (next !== null) load(next);
        }
      }
    };
    load(entry);
    return breaches;
  });
};

/** The parser understood every file; a file that it does not read has no walls. */
const everythingParses: Rule = ({ sources }) =>
  sources.flatMap((source) => source.faults.map((fault) => `${source.file}: ${fault}`));

/** What a manifest offers is built from a file that is there. */
const exportsExist: Rule = ({ repo, manifests }) =>
  [...manifests].flatMap(([folder, { targets }]) =>
    targets.flatMap((target) => {
      const source = target
        .replace(/^(\.\/)?/, `packages/${folder}/`)
        .replace(/\/dist\/(.*?)(\.d\.ts|\.js)$/, "/src/$1.ts");
      return repo.has(source) ? [] : [`packages/${folder}/package.json: ${target} leads nowhere`];
    }),
  );

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** `npm ci` refuses a lock file that leaves out the binaries of another platform. */
const lockNamesEveryPlatform: Rule = ({ repo }) => {
  const { packages } = JSON.parse(repo.get("package-lock.json") ?? `{ "packages": {} }`) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const locked = Object.keys(packages);
  return Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !locked.some((other) => other.endsWith(`node_modules/${name}`)))
      .map((name) => `package-lock.json: ${place} asks for ${name}: npm run lock`),
  );
};

const rooms = /^(utils?|common|helpers?|shared|types)$/i;

/** No room for what has no place: files and folders are named for what they decide. */
const noRooms: Rule = ({ repo }) =>
  [...repo.keys()]
    .filter((file) => !file.startsWith("specs/"))
    .filter((file) => file.split("/").some((part) => rooms.test(part.split(".")[0] ?? "")))
    .map((file) => `${file}: is named for no thing`);

/** Put together here, so that this file does not break its own rule. */
const unspeakable: ReadonlyArray<readonly [string, RegExp]> = [
  [
    "a package registry",
    new RegExp(`\\bregistry\\.(${["npmjs", "yarnpkg", "npmmirror"].join("|")})\\.`),
  ],
  ["a place to download from", /"resolved": "https?:/],
  [
    "a path of one machine",
    new RegExp(["", "work", "(main|shared|\\.library|\\.mirror)\\b"].join("/")),
  ],
  ["a path of one machine", new RegExp(["", "tmp", "(brief|bash_jobs)\\b"].join("/"))],
];

/** What is written here holds on every machine. */
const nothingOfOneMachine: Rule = ({ repo }) =>
  [...repo].flatMap(([file, text]) =>
    unspeakable.flatMap(([what, pattern]) => {
      const found = pattern.exec(text);
      if (found === null) return [];
      return [`${file}:${text.slice(0, found.index).split("\n").length}: names ${what}`];
    }),
  );

/** All rules by what they say of a repository that keeps them. */
export const rules: Readonly<Record<string, Rule>> = {
  "every package has a wall": everyPackageHasAWall,
  "imports stay inside the walls": importsStayInside,
  "relative imports stay in their package": relativeImportsStayHome,
  "vendors and guarded modules live in one file each": oneFileEach,
  "core and sdk use no global of Node": noNodeGlobals,
  "no import is computed": noComputedImports,
  "imports are declared": importsAreDeclared,
  "declarations are used": declarationsAreUsed,
  "declarations stay inside the walls": declarationsStayInside,
  "effect is a peer of what is embedded": effectIsAPeer,
  "versions are exact and one": oneExactVersion,
  "no import cycles, types included": noCycles,
  "every file is imported": noOrphans,
  "heavy things load late": heavyThingsLoadLate,
  "every file parses": everythingParses,
  "what a manifest offers is there": exportsExist,
  "the lock file names every platform": lockNamesEveryPlatform,
  "nothing is named for no thing": noRooms,
  "nothing belongs to one machine": nothingOfOneMachine,
};
