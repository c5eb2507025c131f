// Keeps the simulator's faults by name: what a scenario can switch on, and what each one does.

import { longestHoldMs, noHostLeft, type FaultAnswer, type FaultMoment } from "./faults.ts";
import type { Operation } from "./operation.ts";

/** What a scenario may say beside a fault's name. */
export interface FaultDetails {
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
  /** How long, in milliseconds. */
  readonly forMs?: number;
  /** How long after, in milliseconds. */
  readonly afterMs?: number;
  readonly retryAfterSeconds?: number;
  /** The change is made all the same. */
  readonly accepted?: boolean;
}

export interface NamedFault {
  /** One sentence for the reference. */
  readonly about: string;
  /** Operations that it can strike. A single one need not be named. */
  readonly operations: readonly Operation[] | "any";
  readonly takes: readonly (keyof FaultDetails)[];
  readonly needs?: readonly (keyof FaultDetails)[];
  readonly answer: (details: FaultDetails) => FaultAnswer;
}

const changes: readonly Operation[] = ["LaunchInstance", "TerminateInstance", "UpdateInstance"];
const launch: readonly Operation[] = ["LaunchInstance"];

/** An error that says no, and says it before anything else is decided. */
const refusal = (
  status: number,
  code: string,
  message: string,
  about: string,
  operations: NamedFault["operations"] = "any",
  when: FaultMoment = "arrival",
): NamedFault => ({
  about: `${status} ${code}: ${about}`,
  operations,
  takes: ["message", "retryAfterSeconds"],
  answer: (details) => ({
    status,
    code,
    message: details.message ?? message,
    when,
    ...waitOf(details),
  }),
});

/** An error of the service's own, which leaves open what the request did. */
const trouble = (status: number, code: string, message: string, about: string): NamedFault => ({
  about: `${status} ${code}: ${about}`,
  operations: "any",
  takes: ["message", "retryAfterSeconds", "accepted"],
  answer: (details) => ({
    status,
    code,
    message: details.message ?? message,
    ...whenOf(details),
    ...waitOf(details),
  }),
});

/** An error with a page for people in place of a code. */
const page = (status: number, title: string, about: string): NamedFault => ({
  about: `${status} with a page of HTML: ${about}`,
  operations: "any",
  takes: ["message", "retryAfterSeconds", "accepted"],
  answer: (details) => ({
    status,
    html: `<html><head><title>${status} ${title}</title></head><body><h1>${details.message ?? title}</h1></body></html>`,
    ...whenOf(details),
    ...waitOf(details),
  }),
});

const connection = (answer: "drop" | "cut" | "tear", about: string): NamedFault => ({
  about,
  operations: "any",
  takes: [],
  answer: () => answer,
});

const whenOf = ({ accepted }: FaultDetails): { readonly when: FaultMoment } => ({
  when: accepted === true ? "departure" : "arrival",
});

const waitOf = ({ retryAfterSeconds }: FaultDetails) =>
  retryAfterSeconds === undefined ? {} : { retryAfterSeconds };

const notThere = "Authorization failed or requested resource not found.";

/** How long an instance lives that dies by itself, unless told otherwise, in milliseconds. */
const shortLifeMs = 60_000;

const named = {
  "drop-connection": connection("drop", "The connection ends before anything was accepted."),
  "lose-answer": connection("cut", "The change is accepted, and the connection ends: no answer."),
  "tear-answer": connection("tear", "As `lose-answer`, but in the middle of the answer's body."),
  hang: {
    about: "No answer for `forMs`, then the connection ends. `accepted`: the change is made.",
    operations: "any",
    takes: ["forMs", "accepted"],
    answer: ({ forMs, accepted }) => ({
      hangMs: forMs ?? longestHoldMs,
      ...(accepted === true ? { accepted: true } : {}),
    }),
  },
  delay: {
    about: "The answer is late by `forMs`.",
    operations: "any",
    takes: ["forMs"],
    needs: ["forMs"],
    answer: ({ forMs }) => ({ delayMs: forMs ?? 0 }),
  },
  error: {
    about: "Any error: `status`, `code`, `message`. `accepted`: the change is made all the same.",
    operations: "any",
    takes: ["status", "code", "message", "retryAfterSeconds", "accepted"],
    needs: ["status", "code"],
    answer: (details) => ({
      status: details.status ?? 500,
      code: details.code ?? "InternalServerError",
      message: details.message ?? "An error of the scenario.",
      ...whenOf(details),
      ...waitOf(details),
    }),
  },
  "repeat-cursor": {
    about: "A page of a list names itself as the next one: the list never ends.",
    operations: ["ListInstances"],
    takes: [],
    answer: () => "repeatCursor",
  },

  "cannot-parse": refusal(
    400,
    "CannotParseRequest",
    "The request cannot be parsed.",
    "the caller's fault.",
  ),
  "invalid-parameter": refusal(
    400,
    "InvalidParameter",
    "A parameter is invalid.",
    "the caller's fault.",
  ),
  "missing-parameter": refusal(
    400,
    "MissingParameter",
    "A parameter is missing.",
    "the caller's fault.",
  ),
  "limit-exceeded": refusal(
    400,
    "LimitExceeded",
    "The following service limits were exceeded: instance-count.",
    "the tenancy's service limit is reached.",
    launch,
    "acceptance",
  ),
  "quota-exceeded": refusal(
    400,
    "QuotaExceeded",
    "The following compartment quotas were exceeded: instance-count.",
    "the compartment's quota is reached.",
    launch,
    "acceptance",
  ),
  "related-not-found": refusal(
    400,
    "RelatedResourceNotAuthorizedOrNotFound",
    notThere,
    "what the body names is absent or not permitted.",
    launch,
  ),
  "insufficient-permissions": refusal(
    400,
    "InsufficientServicePermissions",
    "The service lacks permissions.",
    "a policy for the service itself is missing.",
  ),
  "resource-disabled": refusal(
    400,
    "ResourceDisabled",
    "The resource is disabled.",
    "an administrator has switched it off.",
  ),
  "not-authenticated": refusal(
    401,
    "NotAuthenticated",
    "The required information to complete authentication was not provided or was incorrect.",
    "wrong key or session. For a wrong clock see `clockSkewSeconds`.",
  ),
  "not-authorized": refusal(403, "NotAuthorized", "Not authorized.", "a policy, or the region."),
  "not-allowed": refusal(403, "NotAllowed", "Not allowed.", "a policy, or the region."),
  "not-found": refusal(
    404,
    "NotAuthorizedOrNotFound",
    notThere,
    "absent or not permitted, which is never told apart.",
  ),
  "wrong-path": refusal(404, "NotFound", "Not found.", "this address is none of OCI's."),
  "wrong-method": refusal(
    405,
    "MethodNotAllowed",
    "Method not allowed.",
    "this address is none of OCI's.",
  ),
  "incorrect-state": refusal(
    409,
    "IncorrectState",
    "The resource is in a state that does not allow this.",
    "the state will change.",
    changes,
  ),
  "being-modified": refusal(
    409,
    "Conflict",
    "The resource is currently being modified, try again later.",
    "another change is under way.",
    changes,
  ),
  "already-exists": refusal(
    409,
    "NotAuthorizedOrResourceAlreadyExists",
    "Not authorized, or it exists already.",
    "seen shortly after a write.",
    changes,
  ),
  "invalidated-token": refusal(
    409,
    "InvalidatedRetryToken",
    "The retry token was used for a resource that is no longer there.",
    "the retry token counts as spent.",
    launch,
  ),
  "etag-mismatch": refusal(
    412,
    "NoEtagMatch",
    "The if-match value does not match the etag of the resource.",
    "somebody else changed it.",
    ["TerminateInstance", "UpdateInstance"],
  ),
  throttled: refusal(
    429,
    "TooManyRequests",
    "Too many requests for the user",
    "with `retryAfterSeconds` the header retry-after comes along.",
  ),
  "out-of-capacity": refusal(
    500,
    noHostLeft.code,
    noHostLeft.message,
    "no host is left; not an error that passes. Narrow it by `availabilityDomain`, `faultDomain`.",
    launch,
    "acceptance",
  ),
  "internal-error": trouble(
    500,
    "InternalServerError",
    "An internal error occurred.",
    "it may pass; what became of a change is not known.",
  ),
  "bad-gateway": page(502, "Bad Gateway", "a proxy's word, with no code."),
  unavailable: trouble(503, "ServiceUnavailable", "The service is unavailable.", "it may pass."),
  "gateway-timeout": page(504, "Gateway Timeout", "a proxy's word, with no code."),

  "fail-work-request": {
    about: "The change is accepted; its work request ends FAILED with `code` and `message`.",
    operations: changes,
    takes: ["code", "message"],
    answer: ({ code, message }) => ({
      workRequestFails: {
        code: code ?? "InternalError",
        message: message ?? "The work request failed.",
      },
    }),
  },
  "cancel-work-request": {
    about: "The change is accepted; its work request ends CANCELED.",
    operations: changes,
    takes: [],
    answer: () => ({ workRequestCanceled: true }),
  },
  "out-of-capacity-later": {
    about: `The launch is accepted; its work request fails: ${noHostLeft.message}`,
    operations: launch,
    takes: [],
    answer: () => ({ workRequestFails: noHostLeft }),
  },
  die: {
    about: "The launched instance becomes TERMINATED by itself `afterMs` after it began to run.",
    operations: launch,
    takes: ["afterMs"],
    answer: ({ afterMs }) => ({ dies: { afterMs: afterMs ?? shortLifeMs } }),
  },
  stop: {
    about: "The launched instance becomes STOPPED by itself `afterMs` after it began to run.",
    operations: launch,
    takes: ["afterMs"],
    answer: ({ afterMs }) => ({ dies: { afterMs: afterMs ?? shortLifeMs, becomes: "STOPPED" } }),
  },
} as const satisfies Readonly<Record<string, NamedFault>>;

export type FaultName = keyof typeof named;

export const namedFaults: Readonly<Record<FaultName, NamedFault>> = named;

export const faultNames = Object.keys(named) as readonly FaultName[];
