// Decides who signed a request, or why the signature does not count.

import { createHash, verify } from "node:crypto";
import { keyIdOf, type SimulatorAccount, type SimulatorCaller } from "./account.ts";
import type { TokenFailure, Tokens } from "./tokens.ts";

/** Why a signature was refused. Kept in the request log; the client is never told. */
export type SignatureFailure =
  | "no-authorization"
  | "not-a-signature"
  | "wrong-version"
  | "wrong-algorithm"
  | "unknown-key"
  | TokenFailure
  | "header-not-signed"
  | "header-missing"
  | "clock-skew"
  | "wrong-digest"
  | "wrong-signature";

export interface SignedRequest {
  readonly method: string;
  /** Path and query exactly as they were sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export type Verified =
  | { readonly account: SimulatorCaller }
  | { readonly failure: SignatureFailure; readonly detail: string };

/** Who may call, by key id. */
export interface KeyRing {
  /** The time is the wall clock's, in milliseconds since the epoch. */
  readonly find: (keyId: string, wallNow: number) => SimulatorCaller | UnknownKey;
}

type UnknownKey = "unknown-key" | TokenFailure;

const tokenPrefix = "ST$";

/** Accounts with an API key, and whoever holds a token. */
export const keyRingOf = (accounts: readonly SimulatorAccount[], tokens: Tokens): KeyRing => {
  const known = new Map(accounts.map((account) => [keyIdOf(account), account]));
  return {
    find: (keyId, wallNow) =>
      keyId.startsWith(tokenPrefix)
        ? tokens.find(keyId.slice(tokenPrefix.length), wallNow)
        : (known.get(keyId) ?? "unknown-key"),
  };
};

/** A request dated further than this from the wall clock is refused: 5 minutes. */
export const maxSkewMs = 5 * 60_000;

const methodsWithBody = new Set(["POST", "PUT", "PATCH"]);
const bodyHeaders = ["content-length", "content-type", "x-content-sha256"];

/**
 * Checks `request` against the signature it carries. `wallNow` is the wall clock in milliseconds:
 * clients sign with real time, whatever the simulator's own clock says.
 */
export const verifySignature = (
  request: SignedRequest,
  keys: KeyRing,
  wallNow: number,
): Verified => {
  const authorization = single(request.headers["authorization"]);
  if (authorization === undefined) return failed("no-authorization");
  const fields = fieldsOf(authorization);
  if (fields === undefined) return failed("not-a-signature");
  if (fields.get("version") !== "1") return failed("wrong-version");
  if (fields.get("algorithm") !== "rsa-sha256") return failed("wrong-algorithm");

  const account = keys.find(fields.get("keyId") ?? "", wallNow);
  if (account === "unknown-key") return failed("unknown-key", fields.get("keyId"));
  if (typeof account === "string") return failed(account);

  const signed = (fields.get("headers") ?? "date").toLowerCase().split(" ");
  const unsigned = requiredHeaders(request.method, signed).find((name) => !signed.includes(name));
  if (unsigned !== undefined) return failed("header-not-signed", unsigned);

  const text = signingText(request, signed);
  if ("missing" in text) return failed("header-missing", text.missing);

  const skew = skewOf(request, signed, wallNow);
  // Written so that an unreadable date (NaN) is refused as well.
  if (!(Math.abs(skew) <= maxSkewMs)) return failed("clock-skew", `${skew} ms`);

  if (methodsWithBody.has(request.method) && !hasItsDigest(request)) return failed("wrong-digest");

  const signature = Buffer.from(fields.get("signature") ?? "", "base64");
  const matches = verify("RSA-SHA256", Buffer.from(text.value), account.publicKey, signature);
  return matches ? { account } : failed("wrong-signature");
};

const failed = (failure: SignatureFailure, detail = ""): Verified => ({
  failure,
  detail: detail.slice(0, 300),
});

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(", ") : value;

const fieldsOf = (authorization: string): ReadonlyMap<string, string> | undefined => {
  if (!/^Signature /i.test(authorization)) return undefined;
  const fields = new Map<string, string>();
  for (const match of authorization.matchAll(/([A-Za-z]+)="([^"]*)"/g)) {
    // A field given twice would let two readers see two different requests.
    if (fields.has(match[1] ?? "")) return undefined;
    fields.set(match[1] ?? "", match[2] ?? "");
  }
  return fields;
};

const requiredHeaders = (method: string, signed: readonly string[]): readonly string[] => [
  signed.includes("x-date") ? "x-date" : "date",
  "(request-target)",
  "host",
  ...(methodsWithBody.has(method) ? bodyHeaders : []),
];

const signingText = (
  request: SignedRequest,
  signed: readonly string[],
): { readonly value: string } | { readonly missing: string } => {
  const lines: string[] = [];
  for (const name of signed) {
    if (name === "(request-target)") {
      lines.push(`(request-target): ${request.method.toLowerCase()} ${request.target}`);
      continue;
    }
    const value = single(request.headers[name]);
    if (value === undefined) return { missing: name };
    lines.push(`${name}: ${value}`);
  }
  return { value: lines.join("\n") };
};

const skewOf = (request: SignedRequest, signed: readonly string[], wallNow: number): number =>
  Date.parse(single(request.headers[signed.includes("x-date") ? "x-date" : "date"]) ?? "") -
  wallNow;

// The length needs no check: the HTTP server reads exactly content-length bytes.
const hasItsDigest = (request: SignedRequest): boolean =>
  createHash("sha256").update(request.body).digest("base64") ===
  single(request.headers["x-content-sha256"]);
