// Runs a real Postgres on a loopback port, in a folder of its own and as no root, and stops it with the scope.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { Client } from "pg";

export interface PostgresServer {
  readonly port: number;
  readonly password: string;
  /** The folder of its data. */
  readonly data: string;
  /** Gives files of that folder to the user that it runs as. */
  readonly own: (names: ReadonlyArray<string>) => Effect.Effect<void>;
  /** The URL of a role in the one database; `muster_owner` may make schemas there. */
  readonly url: (role: string, more?: string) => string;
  /** Runs statements as the superuser: what an administrator might do. */
  readonly administer: (sql: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>>;
  /** Ends it at once, as a crash would, so that nobody listens. */
  readonly stop: Effect.Effect<void>;
  readonly start: Effect.Effect<void>;
}

/** The folder of its programs. Debian keeps those of each version in a folder that is on nobody's path. */
export const binaries = (): string | undefined => {
  const packaged = "/usr/lib/postgresql";
  const versions = existsSync(packaged) ? readdirSync(packaged).sort((a, b) => +b - +a) : [];
  return [
    ...versions.map((version) => join(packaged, version, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ].find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))));
};

/** Whether there is a server to test with; on CI its absence is a failure, elsewhere it is said loudly. */
export const postgresPresent = (): boolean => {
  if (binaries() !== undefined) return true;
  if (process.env["CI"]) throw new Error("postgresql must be installed on CI");
  process.stderr.write(
    "SKIPPED: postgresql is not installed, so the store on Postgres cannot be tested\n",
  );
  return false;
};

const superuser = "admin";
const password = "pass word/@:%";
const database = "fleet";

/** Postgres refuses to be run by root: then it runs as the user that Debian made for nobody's files. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

const giveAway = (path: string): void => {
  if (unprivileged.uid !== undefined) chownSync(path, unprivileged.uid, unprivileged.gid);
};

/** The settings of a server that a test waits for; what is promised of the disk stays as it is. */
const settingsOf = (folder: string, port: number): string =>
  [
    "listen_addresses = '127.0.0.1'",
    `port = ${port}`,
    `unix_socket_directories = '${folder}'`,
    "max_connections = 60",
    "shared_buffers = 16MB",
    "autovacuum = off",
    "",
  ].join("\n");

/** A server with roles `muster_owner`, `muster_app` and one database, gone with the scope. */
export const startPostgres: Effect.Effect<PostgresServer, never, Scope.Scope> = Effect.gen(
  function* () {
    const bin = binaries() ?? "";
    const port = yield* freePort;
    const folder = yield* makeFolder;
    const data = join(folder, "data");
    yield* Effect.sync(() => {
      writeFileSync(join(folder, "password"), password, { mode: 0o644 });
      const flags = ["-D", data, "-U", superuser, "-A", "scram-sha-256", "-E", "UTF8"];
      const more = [
        "--locale=C",
        "--no-sync",
        "--no-instructions",
        `--pwfile=${join(folder, "password")}`,
      ];
      execFileSync(join(bin, "initdb"), [...flags, ...more], {
        stdio: ["ignore", "ignore", "pipe"],
        cwd: folder,
        ...unprivileged,
      });
      writeFileSync(join(data, "postgresql.auto.conf"), settingsOf(folder, port));
    });
    let child: ChildProcess | undefined;
    const start = Effect.promise(async () => {
      child = spawn(join(bin, "postgres"), ["-D", data], {
        stdio: ["ignore", "ignore", "pipe"],
        cwd: folder,
        ...unprivileged,
      });
      await listening(child);
    });
    const stop = Effect.promise(async () => {
      const running = child;
      child = undefined;
      if (running !== undefined) await ended(running);
    });
    yield* Effect.acquireRelease(start, () => stop);
    const administer = (sql: string) => Effect.promise(() => ask(port, "postgres", sql));
    for (const role of ["muster_owner", "muster_app"]) {
      yield* administer(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
    }
    yield* administer(`CREATE DATABASE ${database}`);
    yield* administer(`GRANT CREATE ON DATABASE ${database} TO muster_owner`);
    return {
      port,
      password,
      data,
      own: (names) => Effect.sync(() => names.forEach((name) => giveAway(join(data, name)))),
      url: (role, more = "") =>
        `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}${more}`,
      administer: (sql) => Effect.promise(() => ask(port, database, sql)),
      stop,
      start,
    };
  },
);

const makeFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "muster-postgres-"));
    giveAway(folder);
    return folder;
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
);

const freePort: Effect.Effect<number> = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const probe = createServer();
      probe.listen(0, "127.0.0.1", () => {
        const { port } = probe.address() as AddressInfo;
        probe.close(() => resolve(port));
      });
    }),
);

/** Until the server says that it takes connections; throws what it said when it ends before. */
const listening = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("ready to accept connections")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`postgres ended with ${code}: ${said}`)));
  });

/** SIGQUIT: the server ends its own processes and itself at once, without a checkpoint. */
const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    if (child.pid === undefined || child.pid <= 1) throw new Error("no server to stop");
    child.kill("SIGQUIT");
  });

const ask = async (
  port: number,
  name: string,
  sql: string,
): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: superuser,
    password,
    database: name,
    ssl: false,
  });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
};
