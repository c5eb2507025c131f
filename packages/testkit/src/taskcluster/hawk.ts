// Decides whether a request was signed as Hawk says, by whom, and not before.

import { createHmac, timingSafeEqual } from "node:crypto";

/** What was received, as the signature has to cover it. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly target: string;
  /** The header `host`. */
  readonly host: string;
  readonly authorization: string;
}

/** The fields of the header, all as they came. */
export interface HawkFields {
  readonly id: string;
  readonly ts: string;
  readonly nonce: string;
  readonly mac: string;
  readonly ext?: string;
  readonly hash?: string;
}

/** Clocks may differ by this, in milliseconds. */
const maxSkewMillis = 15 * 60_000;

/** Nonces that are remembered at most; the oldest are forgotten. */
const maxNonces = 100_000;

/** Reads the header, or says what is wrong with it. */
export const readHawk = (authorization: string): HawkFields | string => {
  const [, list] = /^Hawk +(.+)$/u.exec(authorization) ?? [];
  if (list === undefined) return "Invalid header syntax";
  const fields = new Map<string, string>();
  const rest = list.replace(
    /(id|ts|nonce|hash|ext|mac)="([ !#-[\]-~]*)" *(?:, *|$)/gu,
    (field, name: string, value: string) => {
      if (fields.has(name)) return field;
      fields.set(name, value);
      return "";
    },
  );
  if (rest !== "") return "Bad header format";
  const { id, ts, nonce, mac, ...more } = Object.fromEntries(fields);
  if (id === undefined || ts === undefined || nonce === undefined || mac === undefined) {
    return "Missing attributes";
  }
  return { id, ts, nonce, mac, ...more };
};

/** The signature that the request should have with this key. */
export const macOf = (
  key: string,
  { method, target, host }: ReceivedRequest,
  { ts, nonce, hash = "", ext = "" }: Omit<HawkFields, "id" | "mac">,
): string => {
  const { name, port } = hostOf(host);
  const lines = ["hawk.1.header", ts, nonce, method.toUpperCase(), target, name, port, hash, ext];
  return createHmac("sha256", key)
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("base64");
};

const hostOf = (header: string): { readonly name: string; readonly port: string } => {
  const [, name = "", port = "80"] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/u.exec(header) ?? [];
  return { name: name.toLowerCase(), port };
};

/** Says what is wrong with a signature; nothing when it is right. Each nonce serves once. */
export const makeHawkCheck = (): ((
  key: string,
  request: ReceivedRequest,
  fields: HawkFields,
  now: number,
) => string | undefined) => {
  const used = new Set<string>();
  return (key, request, fields, now) => {
    const expected = Buffer.from(macOf(key, request, fields));
    const given = Buffer.from(fields.mac);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return "Bad mac";
    if (!/^\d{1,12}$/u.test(fields.ts)) return "Stale timestamp";
    if (Math.abs(Number(fields.ts) * 1_000 - now) > maxSkewMillis) return "Stale timestamp";
    const once = `${fields.id} ${fields.ts} ${fields.nonce}`;
    if (fields.nonce === "" || used.has(once)) return "Invalid nonce";
    used.add(once);
    if (used.size > maxNonces) used.delete(used.values().next().value!);
    return undefined;
  };
};
