// Decides what a retry token means that was used before.

import { createHash } from "node:crypto";
import { invalid, invalidatedToken } from "./answer.ts";
import { findInstance, type Cloud } from "./cloud.ts";
import { answerWith } from "./instances.ts";
import { isDead } from "./lifecycle.ts";
import { answered, type Call, type Decision } from "./call.ts";
import { isFields } from "./tags.ts";

export const tokenRefusal = invalid("opc-retry-token must have 1 to 64 characters");

/** The token of the request; undefined when it has none. */
export const readToken = (call: Call): string | undefined => {
  const token = call.header("opc-retry-token");
  if (token === undefined) return undefined;
  return token.length >= 1 && token.length <= 64 ? token : "invalid";
};

const tokenKey = (call: Call, token: string, subject: string): string =>
  JSON.stringify([call.account.tenancyId, call.operation, subject, token]);

// Of the parsed body with sorted keys: the order of keys is not part of what was asked.
const bodyDigest = (body: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(sorted(body)) ?? "")
    .digest("base64");

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isFields(value)) return value;
  return Object.keys(value)
    .toSorted()
    .map((key) => [key, sorted(value[key])]);
};

/** Ties the token, when there is one, to this body and what came of it. */
export const keepToken = (
  cloud: Cloud,
  call: Call,
  token: string | undefined,
  subject: string,
  instanceId: string,
  workRequestId?: string,
): void => {
  if (token === undefined) return;
  cloud.retryTokens.keep(tokenKey(call, token, subject), {
    bodyDigest: bodyDigest(call.body),
    instanceId,
    at: call.now,
    ...(workRequestId === undefined ? {} : { workRequestId }),
  });
};

/** The decision for a token that was used before; undefined when it was not. */
export const repeatOf = (
  cloud: Cloud,
  call: Call,
  token: string | undefined,
  subject: string,
): Decision | undefined => {
  if (token === undefined) return undefined;
  const used = cloud.retryTokens.find(tokenKey(call, token, subject), call.now);
  if (used === undefined) return undefined;
  if (used.bodyDigest !== bodyDigest(call.body)) {
    return answered(invalidatedToken("The retry token was used with a different request body."));
  }
  const seen = findInstance(cloud, used.instanceId, call.now);
  const dead = seen === undefined || isDead(seen.revision.state);
  if (seen === undefined || (dead && cloud.settings.usedTokenOfDead === "conflict")) {
    return answered(
      invalidatedToken("The retry token was used for a resource that is no longer there."),
    );
  }
  const headers =
    used.workRequestId === undefined ? {} : { "opc-work-request-id": used.workRequestId };
  return answered(answerWith(cloud, seen.instance, call.now, headers));
};
