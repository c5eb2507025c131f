// Decides what a failure of Postgres means to the store, and what a person can do.

import { StoreError } from "@muster/core/store/store";
import { escapeText } from "@muster/core/words/quote";

/** A commit was asked for and its answer never came: it may be written, or not; says why. */
export class UnansweredCommit extends Error {}

interface Meaning {
  readonly reason: StoreError["reason"];
  readonly text: string;
  readonly remedy: string;
}

const denied: Meaning = {
  reason: "Unavailable",
  text: "this role is not let in",
  remedy: "check user and password (PGPASSWORD, or a password file) and the server's pg_hba.conf",
};
const unreachable: Meaning = {
  reason: "Unavailable",
  text: "the server does not answer",
  remedy: "check that it runs, and host and port",
};
const lost: Meaning = {
  reason: "Unavailable",
  text: "the connection to the server was lost, and nothing was written",
  remedy: "run again once the server is back",
};
const held: Meaning = {
  reason: "Busy",
  text: "another process holds it",
  remedy: "try again once the other process is done",
};
const restore = "stop all that use it, keep a copy of the database, and restore the last backup";

const byState: Readonly<Record<string, Meaning>> = {
  "28000": denied,
  "28P01": denied,
  "3D000": {
    reason: "Unavailable",
    text: "there is no such database",
    remedy: "create it, or name another one",
  },
  "42501": {
    reason: "Unavailable",
    text: "this role lacks a privilege",
    remedy: "grant what docs/how-to/keep-the-store-in-postgres.md names",
  },
  "55P03": held,
  "40P01": held,
  "40001": held,
  "57014": {
    reason: "Unavailable",
    text: "the server took too long",
    remedy: "look at the server's load, then run again",
  },
  "53300": {
    reason: "Unavailable",
    text: "the server has no connection left",
    remedy: "end other connections, or raise max_connections",
  },
  "53100": {
    reason: "Unavailable",
    text: "the server's disk is full",
    remedy: "free space on it, then run again",
  },
  "25006": {
    reason: "Unavailable",
    text: "it can only be read here",
    remedy: "name the primary server, and a store that was opened for writing",
  },
  "57P03": { ...unreachable, text: "the server is starting or stopping" },
  XX001: { reason: "Corrupt", text: "the database is damaged", remedy: restore },
  XX002: { reason: "Corrupt", text: "the database is damaged", remedy: restore },
};

const unexpectedTables: Meaning = {
  reason: "Corrupt",
  text: "its tables are not what this version expects",
  remedy: restore,
};
const byClass: Readonly<Record<string, Meaning>> = { "42": unexpectedTables, "08": lost };

const byFailure: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: { ...unreachable, text: "the server refuses connections" },
  ENOTFOUND: { ...unreachable, text: "its host is not known" },
  EAI_AGAIN: { ...unreachable, text: "its host cannot be looked up" },
  ENOENT: { ...unreachable, text: "a file or socket is missing" },
  EACCES: { ...unreachable, text: "a file or socket cannot be opened" },
};

const otherwise: Meaning = {
  reason: "Unavailable",
  text: "the store failed",
  remedy: "look at the server's log, then run again",
};

/** The store's error for what was thrown, or nothing when the cause is a bug of ours. */
export const toPostgresError = (
  place: string,
  doing: string,
  cause: unknown,
): StoreError | undefined => {
  if (cause instanceof StoreError) return cause;
  if (!(cause instanceof Error)) return undefined;
  const meaning = meaningOf(cause);
  if (meaning === undefined) return undefined;
  const { reason, text, remedy } = meaning;
  const message = `cannot ${doing}: ${text} (${detailOf(cause)})`;
  return new StoreError({ reason, place, message, remedy });
};

const meaningOf = (cause: Error): Meaning | undefined => {
  if (cause instanceof UnansweredCommit) {
    return {
      reason: "Unanswered",
      text: "the connection was lost while it was committed, and whether it is written is unknown",
      remedy: "run again: it looks at what is stored before it does anything",
    };
  }
  const state = sqlState(cause);
  if (state !== undefined && isLost(cause)) return byState[state] ?? lost;
  if (state !== undefined) return byState[state] ?? byClass[state.slice(0, 2)] ?? otherwise;
  if (cause.message === waitedForConnection) {
    return {
      ...held,
      text: "all connections of this process are taken",
      remedy: "try again once less is going on",
    };
  }
  if (cause.message === noAnswer) return byState["57014"];
  if (isTls(cause)) {
    return {
      reason: "Unavailable",
      text: "TLS failed",
      remedy:
        "name the authority with sslrootcert=FILE and the host as its certificate does; sslmode=disable turns TLS off where the way to the server is trusted",
    };
  }
  const code = codeOf(cause);
  if (code !== undefined && byFailure[code] !== undefined) return byFailure[code];
  if (isLost(cause)) return lost;
  if (/SASL|password/u.test(cause.message)) return denied;
  return code !== undefined || /connect/iu.test(cause.message) ? unreachable : undefined;
};

// What the driver says where it has no code.
const waitedForConnection = "timeout exceeded when trying to connect";
const noAnswer = "Query read timeout";

/** Whether a connection that was open broke, or was ended by the server, before any commit. */
export const isLost = (cause: unknown): boolean => {
  if (!(cause instanceof Error) || cause instanceof UnansweredCommit) return false;
  const state = sqlState(cause);
  if (state !== undefined) return state.startsWith("08") || /^57P0[12]$/u.test(state);
  return (
    ["ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(codeOf(cause) ?? "") ||
    /^Connection terminated( unexpectedly)?$|not queryable/u.test(cause.message)
  );
};

/** The code of an answer of the server; nothing when none came. */
export const sqlState = (cause: unknown): string | undefined =>
  cause instanceof Error && "severity" in cause ? codeOf(cause) : undefined;

const codeOf = (cause: Error): string | undefined =>
  "code" in cause && typeof cause.code === "string" ? cause.code : undefined;

const isTls = (cause: Error): boolean =>
  /SSL|TLS|CERT|SELF_SIGNED|ISSUER/u.test(codeOf(cause) ?? "") ||
  /SSL connection|altnames|certificate/u.test(cause.message);

const detailOf = (cause: Error): string =>
  escapeText(cause.message === "" ? (codeOf(cause) ?? "no answer") : cause.message, detailLimit);

const detailLimit = 200;
