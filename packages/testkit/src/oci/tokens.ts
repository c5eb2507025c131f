// Keeps the tokens that stand for a key for a while: hands them out, and knows its own again.

import {
  createHmac,
  createPublicKey,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";
import type { SimulatorCaller } from "./account.ts";

/** What a test can ask of the tokens and do to them. */
export interface TokenControls {
  /** How many were handed out since the start. */
  readonly issued: () => number;
  /** None of those that were handed out before is taken any more. */
  readonly revoke: () => void;
  /** Whether more are handed out; otherwise who asks is told 401. At first they are. */
  readonly allow: (isAllowed: boolean) => void;
  /** A user's session, as signing in gives it: for as long as other tokens, or so many seconds. */
  readonly signIn: (caller: SimulatorCaller, lifeSeconds?: number) => string;
}

export interface Tokens extends TokenControls {
  readonly isAllowed: () => boolean;
  /** A token that makes requests signed by `publicKey` those of `caller`. */
  readonly issue: (caller: SimulatorCaller, publicKey: KeyObject, lifeSeconds?: number) => string;
  /** Whom a token stands for at a time, in milliseconds since the epoch. */
  readonly find: (token: string, wallNow: number) => SimulatorCaller | TokenFailure;
}

export type TokenFailure = "token-unknown" | "token-expired";

interface Claims {
  readonly sub: string;
  readonly tenant: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
  /** Which tokens are taken: a number that revoking raises. */
  readonly era: number;
  readonly serial: number;
  /** The public key, as JSON in a text. */
  readonly jwk: string;
}

/** Tokens that live for `lifeSeconds`, by the clock that signatures are checked against. */
export const makeTokens = (wallClock: () => number, lifeSeconds: number): Tokens => {
  const secret = randomBytes(32);
  let issued = 0;
  let era = 0;
  let allowed = true;

  const issue: Tokens["issue"] = (caller, publicKey, seconds = lifeSeconds) => {
    issued += 1;
    const iat = Math.floor(wallClock() / 1_000);
    return sealed(secret, {
      sub: caller.userId,
      tenant: caller.tenancyId,
      iat,
      exp: iat + seconds,
      era,
      serial: issued,
      jwk: JSON.stringify(publicKey.export({ format: "jwk" })),
    });
  };

  return {
    issued: () => issued,
    revoke: () => {
      era += 1;
    },
    allow: (isAllowed) => {
      allowed = isAllowed;
    },
    isAllowed: () => allowed,
    signIn: (caller, seconds) => issue(caller, caller.publicKey, seconds),
    issue,
    find: (token, wallNow) => {
      const claims = opened(secret, token);
      if (claims === undefined || claims.era !== era) return "token-unknown";
      if (claims.exp * 1_000 <= wallNow) return "token-expired";
      return {
        tenancyId: claims.tenant,
        userId: claims.sub,
        publicKey: keyOf(claims),
      };
    },
  };
};

const keyOf = ({ jwk }: Claims): KeyObject =>
  createPublicKey({ key: JSON.parse(jwk) as Record<string, string>, format: "jwk" });

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const sealOf = (secret: Buffer, text: string): Buffer =>
  createHmac("sha256", secret).update(text).digest();

const sealed = (secret: Buffer, claims: Claims): string => {
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${sealOf(secret, text).toString("base64url")}`;
};

const opened = (secret: Buffer, token: string): Claims | undefined => {
  const [head, claims, seal] = token.split(".");
  if (head === undefined || claims === undefined || seal === undefined) return undefined;
  const expected = sealOf(secret, `${head}.${claims}`);
  const given = Buffer.from(seal, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as Claims;
};
