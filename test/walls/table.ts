// The walls between the packages: what each may use of muster, of the world and of Node.

/** What one package may import in its `src`. */
export interface Wall {
  /** Packages of muster. */
  readonly muster: ReadonlyArray<string>;
  /** Packages of others, wherever in the package; `any` is for packages that only tests load. */
  readonly world: ReadonlyArray<string> | "any";
  /** Whether it may use `node:` modules and the globals that only Node has. */
  readonly node: boolean;
  /** What only one file may import, or few that each have their own reason, type-only imports included. Ends in `*`: a prefix. */
  readonly inOneFile?: Readonly<Record<string, string | ReadonlyArray<string>>>;
  /** Files that may import what they compute: an operator's own files, for instance. */
  readonly computed?: ReadonlyArray<string>;
  /** What only its tests import, beside what all tests do. */
  readonly forTests?: ReadonlyArray<string>;
  /** Optional peers that an application has in a version of its own, or has not. */
  readonly ofHost?: ReadonlyArray<string>;
  /** An application brings its own Effect; everything else takes that of its user. */
  readonly application?: boolean;
}

/** `node:` modules that reach out of the process: only the files that a wall names have them. */
export const guardedNode = ["node:child_process", "node:sqlite", "node:vm", "node:worker_threads"];

export const walls: Readonly<Record<string, Wall>> = {
  core: { muster: [], world: ["effect", "yaml", "@noble/hashes"], node: false },
  sdk: {
    muster: ["core"],
    world: ["effect"],
    node: false,
    inOneFile: { "@opentelemetry/*": "src/host-tracer.ts" },
    ofHost: ["@opentelemetry/api"],
  },
  "provider-oci": {
    muster: ["core"],
    world: ["effect"],
    node: true,
    inOneFile: { "oci-*": "src/client.ts" },
  },
  "provider-ssh": {
    muster: ["core"],
    world: ["effect"],
    node: true,
    inOneFile: { ssh2: "src/client.ts" },
    forTests: ["ssh2"],
  },
  gates: {
    muster: ["core"],
    world: ["effect"],
    node: true,
    inOneFile: { "node:crypto": "src/taskcluster/hawk.ts" },
  },
  "gitops-runner": {
    muster: ["core"],
    world: ["effect"],
    node: true,
    inOneFile: { openpgp: "src/openpgp.ts", "node:child_process": "src/git.ts" },
  },
  "store-sql": {
    muster: ["core"],
    world: ["effect"],
    node: true,
    inOneFile: { "node:sqlite": "src/sqlite.ts", pg: "src/postgres.ts" },
  },
  server: {
    muster: ["core", "sdk"],
    world: ["effect"],
    node: true,
    forTests: ["@seriousme/openapi-schema-validator", "axe-core", "playwright-core"],
  },
  cli: {
    muster: [
      "core",
      "sdk",
      "provider-oci",
      "provider-ssh",
      "gates",
      "gitops-runner",
      "store-sql",
      "server",
      "testkit",
    ],
    world: ["effect", "@effect/platform-node"],
    node: true,
    inOneFile: { "node:child_process": ["src/quickstart/workshop.ts", "src/operators.ts"] },
    computed: ["src/settings.ts"],
    forTests: ["@opentelemetry/otlp-transformer", "playwright-core"],
    application: true,
  },
  testkit: {
    muster: ["core"],
    world: "any",
    node: true,
    inOneFile: { "node:child_process": ["src/hosts/child.ts", "src/postgres/server.ts"] },
  },
};

/** What must not be loaded by loading a module; only a dynamic import may bring it later. */
export const lazy: ReadonlyArray<{
  readonly entry: string;
  readonly never: ReadonlyArray<string>;
}> = [
  {
    entry: "packages/cli/src/main.ts",
    never: ["oci-*", "pg", "ssh2", "@muster/server", "@muster/testkit", "vitest"],
  },
  {
    entry: "packages/cli/src/fleetctl-main.ts",
    never: ["oci-*", "pg", "ssh2", "@muster/server", "@muster/testkit", "vitest"],
  },
  {
    entry: "packages/cli/src/fleetroll-main.ts",
    never: ["oci-*", "pg", "ssh2", "@muster/server", "@muster/testkit", "vitest"],
  },
  { entry: "packages/sdk/src/index.ts", never: ["@opentelemetry/*"] },
  { entry: "packages/provider-oci/src/index.ts", never: ["oci-*"] },
  { entry: "packages/provider-ssh/src/index.ts", never: ["ssh2"] },
  { entry: "packages/store-sql/src/index.ts", never: ["pg"] },
  { entry: "packages/testkit/src/oci/index.ts", never: ["vitest", "@effect/vitest", "oci-*"] },
];
