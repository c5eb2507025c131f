// Decides what a failed call to OCI means: one row of the error table per kind of failure.

import { ProviderError, type ProviderReason } from "@muster/core/words/provider";
import { escapeText } from "@muster/core/words/quote";

/**
 * What is known of a failed call. The SDK throws three kinds of things (its own error, plain
 * objects, errors of the run time) and our transport a fourth; all are read by these members.
 */
export interface CallFailure {
  /** The HTTP status; nothing when there was no answer. */
  readonly status: number | null;
  readonly code: string | null;
  readonly message: string;
  readonly requestId: string | null;
  readonly retryAfterMillis: number | null;
  /** How far the server's clock is ahead of ours, in milliseconds. */
  readonly clockAheadMillis: number | null;
  /** Set when the time that a call may take ran out, in milliseconds. */
  readonly timedOutAfterMillis: number | null;
}

export interface CallContext {
  /** Such as `LaunchInstance`. */
  readonly operation: string;
  readonly region: string;
  /** Who called, for people. */
  readonly account: string;
}

interface Verdict {
  readonly reason: ProviderReason;
  readonly remedy?: string;
}

/** Reads whatever was thrown. Never throws itself. */
export const readFailure = (thrown: unknown): CallFailure => {
  const fields: Readonly<Record<string, unknown>> =
    typeof thrown === "object" && thrown !== null ? { ...thrown } : {};
  return {
    status: finite(fields["statusCode"]),
    code: text(fields["serviceCode"]) ?? text(fields["code"]) ?? text(fields["statusCode"]),
    message: messageOf(thrown),
    requestId: text(fields["opcRequestId"]),
    retryAfterMillis: finite(fields["retryAfterMillis"]),
    clockAheadMillis: finite(fields["clockAheadMillis"]),
    timedOutAfterMillis: finite(fields["timedOutAfterMillis"]),
  };
};

/** The provider's error for a failed call. */
export const providerErrorOf = (context: CallContext, failure: CallFailure): ProviderError => {
  const verdict = judge(context, failure);
  return new ProviderError({
    reason: verdict.reason,
    operation: context.operation,
    message: sayFailure(failure),
    ...(verdict.remedy === undefined ? {} : { remedy: verdict.remedy }),
    ...(failure.requestId === null ? {} : { requestId: failure.requestId }),
    ...(failure.retryAfterMillis === null ? {} : { retryAfterMillis: failure.retryAfterMillis }),
  });
};

/** Absent or not permitted: OCI never says which. */
export const isAbsent = (failure: CallFailure): boolean =>
  failure.status === 404 && failure.code === "NotAuthorizedOrNotFound";

/** The launch token was used before, and what it made is gone or going. */
export const isSpentToken = (failure: CallFailure): boolean =>
  failure.status === 409 && failure.code === "InvalidatedRetryToken";

/** The resource is not what it was when it was looked at, or is between two states. */
export const hasMoved = (failure: CallFailure): boolean =>
  failure.status === 412 || (failure.status === 409 && !isSpentToken(failure));

/** This account may not read it, whatever it is. */
export const isForbidden = (failure: CallFailure): boolean =>
  failure.status === 403 || isAbsent(failure);

/** Our own code for a request that was not sent, because OCI would have refused it. */
const heldBack = "HeldBack";

/** A request that was not sent yet, and when it may be, in milliseconds from now. */
export const heldBackFor = (waitMillis: number): CallFailure => ({
  status: null,
  code: heldBack,
  message: "not sent yet: this account has sent as many requests as it may",
  requestId: null,
  retryAfterMillis: waitMillis,
  clockAheadMillis: null,
  timedOutAfterMillis: null,
});

/**
 * Whether a service's answer says that there is no capacity, limit or quota left. Want of hosts comes
 * as an internal error, told by its words; the same words of any other error are about something else,
 * such as a name.
 */
export const saysExhausted = (code: string | null, message: string): boolean =>
  code === "LimitExceeded" ||
  code === "QuotaExceeded" ||
  code === "OutOfCapacity" ||
  code === "OutOfHostCapacity" ||
  (code?.startsWith("Internal") === true && /\bout of (host )?capacity\b/i.test(message));

const judge = (context: CallContext, failure: CallFailure): Verdict => {
  const { status, code } = failure;
  if (code === heldBack) return { reason: "Throttled" };
  if (status === null) return judgeSilence(context, failure);
  if (code === "LimitExceeded") return { reason: "Exhausted", remedy: limitRemedy };
  if (code === "QuotaExceeded") return { reason: "Exhausted", remedy: quotaRemedy };
  // Capacity comes as a 500, and must not be taken for a failure that passes.
  if (status >= 400 && saysExhausted(code, failure.message)) {
    return { reason: "Exhausted", remedy: capacityRemedy };
  }
  if (status === 400) return judgeBadRequest(failure);
  if (code === federationRefused) {
    return { reason: "Denied", remedy: federationRemedy(failure) };
  }
  if (code === sessionEnded) return { reason: "Denied", remedy: sessionRemedy };
  if (status === 401) return { reason: "Denied", remedy: signatureRemedy(context, failure) };
  if (status === 403) return { reason: "Denied", remedy: permissionRemedy(context) };
  if (status === 404 || status === 405) return judgeNotFound(context, failure);
  if (isSpentToken(failure) || status === 412) return { reason: "Conflict" };
  if (status === 409) return judgeConflict(failure);
  if (status === 429) return { reason: "Throttled" };
  if (status === 408 || status >= 500 || status < 400) return { reason: "Unreachable" };
  return { reason: "Invalid", remedy: "correct the document as the message says" };
};

const judgeSilence = (context: CallContext, failure: CallFailure): Verdict => {
  if (failure.code === "ENOTFOUND" || failure.code === "EAI_AGAIN") {
    return {
      reason: "Unreachable",
      remedy: `check that ${context.region} is a region of this account, and that names resolve`,
    };
  }
  if (failure.code !== null && /CERT|SELF_SIGNED|ERR_TLS/.test(failure.code)) {
    return {
      reason: "Unreachable",
      remedy: "the server's certificate is not trusted: check proxies and NODE_EXTRA_CA_CERTS",
    };
  }
  return { reason: "Unreachable" };
};

const judgeBadRequest = (failure: CallFailure): Verdict => {
  switch (failure.code) {
    case "RelatedResourceNotAuthorizedOrNotFound":
      return {
        reason: "Denied",
        remedy:
          "something that the document names (image, subnet, compartment, tag namespace) is " +
          "absent or not permitted: check the identifiers and the policies of this account",
      };
    case "InsufficientServicePermissions":
    case "ResourceDisabled":
      return { reason: "Denied", remedy: "an administrator of the tenancy must allow this" };
    default:
      return { reason: "Invalid", remedy: "correct the document as the message says" };
  }
};

/**
 * Another state, or the end of another change, is a matter of time: nothing can be planned anew. A
 * conflict of which OCI does not say that it passes is for good.
 */
const judgeConflict = ({ code, message }: CallFailure): Verdict =>
  code === "Conflict" && !/\b(being modified|try again)\b/i.test(message)
    ? { reason: "Denied", remedy: conflictRemedy }
    : { reason: "Throttled", remedy: busyRemedy };

const judgeNotFound = (context: CallContext, failure: CallFailure): Verdict =>
  failure.code === "NotAuthorizedOrNotFound"
    ? {
        reason: "Denied",
        remedy:
          "absent or not permitted, OCI does not say which: check the identifier, the region " +
          `(${context.region}), and the policies of ${context.account}`,
      }
    : {
        reason: "Denied",
        remedy: "this address does not answer like OCI: check the endpoint that muster was given",
      };

const busyRemedy =
  "something of it is between two states, or is being changed: the next run tries again; if it " +
  "stays so, look it up in the console";
const conflictRemedy =
  "something else stands in the way, and waiting does not help: look it up in the console";
const limitRemedy =
  "the tenancy's service limit is reached: ask for a higher one, choose another shape or place, " +
  "or lower the count";
const quotaRemedy =
  "the compartment's quota is reached: raise it, choose another compartment, or lower the count";
const capacityRemedy =
  "OCI has no host left for this shape now: choose another availability domain or shape, or wait";

/** Our own code for a session that cannot sign any more; OCI would only say 401. */
export const sessionEnded = "SessionEnded";

/** Our own code for an instance that gets no token. */
export const federationRefused = "FederationRefused";

/** What is being done while a machine has not yet shown that it is an instance. */
export const readMetadata = "ReadInstanceMetadata";

const federationRemedy = ({ clockAheadMillis }: CallFailure): string =>
  clockRemedy(clockAheadMillis) ??
  "OCI gives this instance no token: set its clock right, and see whether its certificate is good " +
    "(curl -H 'Authorization: Bearer Oracle' http://169.254.169.254/opc/v2/identity/cert.pem)";

const sessionRemedy =
  "sign in again with `oci session authenticate`, or `oci session refresh` while it still lasts";

const permissionRemedy = (context: CallContext): string =>
  `allow ${context.operation} to ${context.account} by a policy, and check that ` +
  `${context.region} is the region that is meant`;

/** OCI refuses clocks that are further off than this, in milliseconds. */
const tolerableSkewMillis = 5 * 60_000;

const clockRemedy = (ahead: number | null): string | undefined => {
  if (ahead === null || Math.abs(ahead) <= tolerableSkewMillis) return undefined;
  const minutes = Math.round(Math.abs(ahead) / 60_000);
  const direction = ahead > 0 ? "behind" : "ahead of";
  return `this machine's clock is ${minutes} minutes ${direction} OCI's: set it right`;
};

const signatureRemedy = (context: CallContext, failure: CallFailure): string => {
  return (
    clockRemedy(failure.clockAheadMillis) ??
    `OCI does not tell why. This machine's clock is right and the key fits its fingerprint, so ` +
      `check for ${context.account}: is the API key (still) uploaded for this user, are user and ` +
      `tenancy right, is the tenancy subscribed to ${context.region}, has a session expired`
  );
};

/** Longer texts (whole HTML pages, say) are cut, in characters: nobody reads them. */
const maxMessageLength = 600;

const sayFailure = (failure: CallFailure): string => {
  if (failure.timedOutAfterMillis !== null) {
    return `no answer within ${failure.timedOutAfterMillis / 1_000} s`;
  }
  const message = escapeText(failure.message, maxMessageLength);
  const name = [failure.status, failure.code === "None" ? null : failure.code]
    .filter((part) => part !== null)
    .map((part) => escapeText(String(part)))
    .join(" ");
  return name === "" ? message : `${name}: ${message}`;
};

const messageOf = (thrown: unknown): string => {
  if (typeof thrown === "string") return thrown;
  if (typeof thrown === "object" && thrown !== null && "message" in thrown) {
    return text(thrown.message) ?? "unknown failure";
  }
  return "unknown failure";
};

const text = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value : null;

const finite = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
