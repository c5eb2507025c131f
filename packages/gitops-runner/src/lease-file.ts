// Decides what a lease says in git, and what of another's lease is believed. Pure.

import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { canonicalJson } from "@muster/core/words/canonical";

/** The one file in the tree of a lease commit. */
export const leaseFile = "lease.json";
/** Bytes that it may have. */
export const leaseFileLimit = 4 * 1024;

/** Milliseconds that a lease is good for; no runner may ask for more, and none is believed more. */
export const leaseTimeToLive = 120_000;

const isoPattern = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

const LeaseFile = Schema.Struct({
  format: Schema.Literal(1),
  version: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 50 })),
  holder: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)),
  /** Makes two claims of one second different commits. */
  nonce: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(100)),
  expiresAt: Schema.String.check(Schema.isPattern(isoPattern)),
});

export interface LeaseContent {
  readonly version: number;
  readonly holder: string;
  readonly nonce: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export const formatLease = (content: LeaseContent): string =>
  `${canonicalJson({
    format: 1,
    ...content,
    expiresAt: new Date(content.expiresAt).toISOString(),
  })}\n`;

const decodeFile = Schema.decodeUnknownResult(Schema.fromJsonString(LeaseFile));

/** What a lease file says, or nothing when muster cannot have written it. */
export const parseLease = (bytes: Uint8Array): LeaseContent | undefined => {
  if (bytes.length > leaseFileLimit) return undefined;
  const file = Result.getOrUndefined(decodeFile(Buffer.from(bytes).toString("utf8")));
  if (file === undefined) return undefined;
  const expiresAt = Date.parse(file.expiresAt);
  if (Number.isNaN(expiresAt)) return undefined;
  return { version: file.version, holder: file.holder, nonce: file.nonce, expiresAt };
};

/**
 * Until when a lease is held by somebody, or nothing once that is over. However far its expiry lies,
 * it is believed for one time to live from when it was first seen.
 */
export const heldUntil = (
  content: LeaseContent,
  times: { readonly firstSeen: number; readonly now: number; readonly timeToLive: number },
): number | null => {
  const until = Math.min(content.expiresAt, times.firstSeen + times.timeToLive);
  return until > times.now ? until : null;
};
