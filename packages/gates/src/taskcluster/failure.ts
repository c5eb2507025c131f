// Decides what a failed call to Taskcluster means: a reason that the core acts on, and what a person can do.

import { ProviderError, type ProviderReason } from "@muster/core/words/provider";
import { escapeText } from "@muster/core/words/quote";

/** What is known of a call that brought nothing. */
export interface CallFailure {
  /** The HTTP status; nothing when there was no answer, or it was no answer of Taskcluster's. */
  readonly status: number | null;
  /** Taskcluster's own code, such as `InsufficientScopes`, or that of the network. */
  readonly code: string | null;
  readonly message: string;
  readonly retryAfterMillis: number | null;
  /** How far the server's clock is ahead of ours, in milliseconds. */
  readonly clockAheadMillis: number | null;
}

/** What was called, and by whom. */
export interface CallContext {
  /** Such as `listWorkers`. */
  readonly operation: string;
  /** What a client needs for it. */
  readonly scope: string;
  /** Nothing: nobody in particular. */
  readonly clientId: string | null;
}

interface Verdict {
  readonly reason: ProviderReason;
  readonly remedy?: string;
}

export const providerErrorOf = (context: CallContext, failure: CallFailure): ProviderError => {
  const { reason, remedy } = judge(context, failure);
  return new ProviderError({
    reason,
    operation: context.operation,
    message: sayFailure(failure),
    ...(remedy === undefined ? {} : { remedy }),
    ...(failure.retryAfterMillis === null ? {} : { retryAfterMillis: failure.retryAfterMillis }),
  });
};

/** There is no such thing, says Taskcluster itself: any other 404 is that of another address. */
export const isAbsent = ({ status, code }: CallFailure): boolean =>
  status === 404 && code === "ResourceNotFound";

/** Our own code for an answer that is not Taskcluster's, such as a page for people. */
export const strangeAnswer = "StrangeAnswer";

const judge = (context: CallContext, failure: CallFailure): Verdict => {
  const { status, code } = failure;
  if (code === strangeAnswer) return { reason: "Denied", remedy: addressRemedy };
  if (status === null || status === 408 || status >= 500) return judgeSilence(failure);
  if (status === 401) return { reason: "Denied", remedy: loginRemedy(context, failure) };
  if (status === 403) return { reason: "Denied", remedy: scopeRemedy(context) };
  if (status === 429) return { reason: "Throttled" };
  if (status === 400) {
    return { reason: "Invalid", remedy: "correct the names of provisioner and worker type" };
  }
  return { reason: "Denied", remedy: addressRemedy };
};

const judgeSilence = ({ code }: CallFailure): Verdict => {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return { reason: "Unreachable", remedy: addressRemedy };
  }
  if (code !== null && /CERT|SELF_SIGNED|ERR_TLS/u.test(code)) {
    return {
      reason: "Unreachable",
      remedy: "the server's certificate is not trusted: check proxies and NODE_EXTRA_CA_CERTS",
    };
  }
  return { reason: "Unreachable" };
};

const addressRemedy = "this address does not answer like Taskcluster: check TASKCLUSTER_ROOT_URL";

/** Taskcluster refuses clocks that are further off than this, in milliseconds. */
const tolerableSkewMillis = 15 * 60_000;

const loginRemedy = (
  { clientId }: CallContext,
  { clockAheadMillis: ahead }: CallFailure,
): string => {
  if (ahead !== null && Math.abs(ahead) > tolerableSkewMillis) {
    const minutes = Math.round(Math.abs(ahead) / 60_000);
    const direction = ahead > 0 ? "behind" : "ahead of";
    return `this machine's clock is ${minutes} minutes ${direction} Taskcluster's: set it right`;
  }
  return (
    `check TASKCLUSTER_ACCESS_TOKEN, and TASKCLUSTER_CERTIFICATE of temporary credentials: ` +
    `does the client ${clientId ?? ""} still exist, is it enabled, has it expired`
  );
};

const scopeRemedy = ({ clientId, scope }: CallContext): string =>
  clientId === null
    ? `give TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN of a client with the scope ${scope}`
    : `give the client ${clientId} the scope ${scope}`;

/** Longer texts are cut, in characters: an answer lists all scopes of a client. */
const maxMessageLength = 300;

const sayFailure = ({ status, code, message }: CallFailure): string => {
  const name = [status, code === strangeAnswer ? null : code]
    .filter((part) => part !== null)
    .map((part) => escapeText(String(part)))
    .join(" ");
  const said = escapeText(message, maxMessageLength);
  return name === "" ? said : `${name}: ${said}`;
};
