// Reads the place of a store on Postgres, and says it to people without its password.

import * as Redacted from "effect/Redacted";
import * as Result from "effect/Result";

/**
 * - `disable`: no TLS
 * - `require`: TLS, whoever answers
 * - `verify-ca`: and its certificate is vouched for
 * - `verify-full`: and it is of the host that was asked for
 */
export type TlsMode = "disable" | "require" | "verify-ca" | "verify-full";

const tlsModes: ReadonlyArray<TlsMode> = ["disable", "require", "verify-ca", "verify-full"];

/** A schema of a Postgres database, and how to get there. */
export interface PostgresPlace {
  readonly _tag: "Postgres";
  /** A name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Nothing when the URL has none: then `PGPASSWORD` or the password file may. */
  readonly password: Redacted.Redacted | null;
  readonly database: string;
  readonly schema: string;
  readonly tls: TlsMode;
  /** Files with the authorities that vouch for the server, and with our own certificate and key. */
  readonly rootCertificate: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
}

export const defaultSchema = "muster";

const form = "say postgres://USER@HOST/DATABASE";
const defaultPort = 5432;
const known = ["sslmode", "sslrootcert", "sslcert", "sslkey", "schema", "host"];

/** The place that a URL names, or what is wrong with it. Nothing of the URL's values is repeated. */
export const parsePostgresPlace = (text: string): Result.Result<PostgresPlace, string> =>
  Result.gen(function* () {
    const url = yield* Result.try({
      try: () => readUrl(text),
      catch: () => `the URL of Postgres cannot be read; ${form}, with % codes for what is special`,
    });
    const { host, user, database, query } = url;
    const unknown = [...query.keys()].find((name) => !known.includes(name));
    if (unknown !== undefined) {
      const names = known.join(", ");
      return yield* Result.fail(`the URL of Postgres has an unknown parameter; it knows ${names}`);
    }
    if (host === "" || host.includes(",")) return yield* Result.fail(`one host is needed; ${form}`);
    if (user === "") return yield* Result.fail(`the user is missing; ${form}`);
    if (database === "" || database.includes("/")) {
      return yield* Result.fail(`one database is needed; ${form}`);
    }
    if ([host, user, database, url.password].some((part) => part.includes("\0"))) {
      return yield* Result.fail("the URL of Postgres holds no NUL");
    }
    return {
      _tag: "Postgres" as const,
      host,
      port: url.port,
      user,
      password: url.password === "" ? null : Redacted.make(url.password),
      database,
      schema: yield* readSchema(query.get("schema")),
      tls: yield* readTls(query.get("sslmode"), host),
      rootCertificate: query.get("sslrootcert"),
      certificate: query.get("sslcert"),
      key: query.get("sslkey"),
    };
  });

/** Throws where the text is no URL, or a % is no code. A socket's folder stands behind `localhost`. */
const readUrl = (text: string) => {
  const url = new URL(text);
  const query = url.searchParams;
  const socket = query.get("host");
  const named = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/u, "$1");
  const isSocket = named === "localhost" && socket?.startsWith("/") === true;
  return {
    query,
    host: isSocket ? socket : socket === null ? named : "",
    port: url.port === "" ? defaultPort : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.replace(/^\//u, "")),
  };
};

/** Plain names only: they stand in statements. */
const readSchema = (name: string | null): Result.Result<string, string> => {
  const schema = name ?? defaultSchema;
  return /^[a-z_][a-z0-9_]{0,62}$/u.test(schema) && !schema.startsWith("pg_")
    ? Result.succeed(schema)
    : Result.fail("a schema has small letters, digits and _, such as schema=muster");
};

/** Who does not say gets all of it, and none where nothing leaves the machine. */
const readTls = (mode: string | null, host: string): Result.Result<TlsMode, string> => {
  if (mode === null) return Result.succeed(isLocal(host) ? "disable" : "verify-full");
  const found = tlsModes.find((one) => one === mode);
  return found === undefined
    ? Result.fail(`sslmode is one of ${tlsModes.join(", ")}: others may turn TLS off unseen`)
    : Result.succeed(found);
};

const isLocal = (host: string): boolean =>
  host.startsWith("/") || host === "localhost" || host === "::1" || /^127\.[\d.]+$/u.test(host);

/** As people see it: no password, no files. */
export const formatPostgresPlace = (place: PostgresPlace): string => {
  const { user, host, port, database, schema } = place;
  const isSocket = host.startsWith("/");
  const name = isSocket ? "localhost" : host.includes(":") ? `[${host}]` : host;
  const query = [
    ...(isSocket ? [`host=${host}`] : []),
    ...(schema === defaultSchema ? [] : [`schema=${schema}`]),
  ].join("&");
  const path = `${encodeURIComponent(user)}@${name}:${port}/${encodeURIComponent(database)}`;
  return `postgres://${path}${query === "" ? "" : `?${query}`}`;
};
