// Carries one signed request, so that the SDK neither retries nor prints whatever comes of it.

import { AsyncLocalStorage } from "node:async_hooks";
import { retryAfterMillisOf } from "@muster/core/words/retry-after";

/** What the SDK hands to its HTTP client. */
export interface SdkRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly uri: string;
  readonly body?: unknown;
}

/**
 * Adds the signature to a request's headers. What it answers, if anything, signs the same request
 * with something else after OCI refused the signature; false when there is nothing else.
 */
export type Sign = (request: SdkRequest) => Promise<SignAgain | void>;
export type SignAgain = (request: SdkRequest) => Promise<boolean>;

export interface TransportOptions {
  readonly sign: Sign;
  /** The time that signing, sending and reading the answer may take together, in milliseconds. */
  readonly timeoutMillis: number;
}

/** Larger answers are refused, in bytes: a page of a thousand instances has about five million. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Why a request brought no success; the members are named like those of the SDK's own error. */
export class CallFailed extends Error {
  readonly statusCode?: number;
  readonly serviceCode?: string;
  readonly opcRequestId?: string;
  readonly retryAfterMillis?: number;
  readonly clockAheadMillis?: number;
  readonly timedOutAfterMillis?: number;

  constructor(message: string, fields: Partial<Omit<CallFailed, keyof Error>>) {
    super(message);
    Object.assign(this, fields);
  }
}

const callSignal = new AsyncLocalStorage<AbortSignal>();

/** Runs a call of the SDK; its requests end when the signal is aborted. */
export const withSignal = <A>(signal: AbortSignal, call: () => Promise<A>): Promise<A> =>
  callSignal.run(signal, call);

/** Runs work that several calls share: it does not end with the call that began it. */
export const withoutSignal = <A>(work: () => Promise<A>): Promise<A> => callSignal.exit(work);

/**
 * An HTTP client for the SDK's clients.
 *
 * It answers every request with something that looks like a success. The SDK prints a warning with
 * `console.warn` for each request that fails (its logger setting does not change that), loses the
 * cause of network failures, hides `retry-after`, and has no time-out for a single call. It does so
 * only when its HTTP client rejects or answers an error status. So a failure is hidden in an answer
 * that throws when the SDK reads it: the SDK hands on what was thrown, unchanged and without a word.
 * Nothing global is patched, so no other code's output can be lost.
 */
export const makeTransport = (
  options: TransportOptions,
): { readonly send: (request: SdkRequest) => Promise<Response> } => ({
  send: async (request) => {
    try {
      return await answerTo(request, options);
    } catch (failure) {
      return failedAnswer(failure);
    }
  },
});

const answerTo = async (request: SdkRequest, options: TransportOptions): Promise<Response> => {
  const deadline = AbortSignal.timeout(options.timeoutMillis);
  const caller = callSignal.getStore();
  const signal = caller === undefined ? deadline : AbortSignal.any([deadline, caller]);
  try {
    // Signing may ask for a token first, through calls that know nothing of our signal.
    return await orAbort(signal, exchange(request, options.sign, signal));
  } catch (thrown) {
    if (deadline.aborted) {
      throw new CallFailed("timed out", { timedOutAfterMillis: options.timeoutMillis });
    }
    throw thrown instanceof CallFailed ? thrown : failureOfNetwork(thrown);
  }
};

const orAbort = <A>(signal: AbortSignal, work: Promise<A>): Promise<A> =>
  new Promise<A>((resolve, reject) => {
    const abort = (): void => reject(new CallFailed("interrupted", {}));
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
  });

const exchange = async (
  request: SdkRequest,
  sign: Sign,
  signal: AbortSignal,
): Promise<Response> => {
  const unsigned = new Headers(request.headers);
  const signAgain = await sign(request);
  const first = await send(request, signal);
  const again = { ...request, headers: unsigned };
  // What was not let in has done nothing: it can be sent once more, whatever it is.
  const isSignedAnew =
    first.response.status === 401 && signAgain !== undefined && (await signAgain(again));
  const { response, body } = isSignedAnew ? await send(again, signal) : first;
  if (response.status >= 200 && response.status <= 299) return successOf(response, body);
  throw failureOfAnswer(response, body);
};

interface Answered {
  readonly response: Response;
  readonly body: string;
}

const send = async (request: SdkRequest, signal: AbortSignal): Promise<Answered> => {
  const response = await fetch(request.uri, {
    method: request.method,
    headers: request.headers,
    ...(typeof request.body === "string" ? { body: request.body } : {}),
    // A signature is for one host and path: nobody may send it elsewhere.
    redirect: "manual",
    signal,
  });
  return { response, body: await readBounded(response) };
};

const readBounded = async (response: Response): Promise<string> => {
  if (response.body === null) return "";
  const chunks: Array<Uint8Array> = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > maxAnswerBytes) {
      throw new CallFailed(`the answer is larger than ${maxAnswerBytes} bytes`, {});
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};

const successOf = (response: Response, body: string): Response =>
  ({
    status: response.status,
    headers: response.headers,
    text: async () => body,
    json: async () => parseAnswer(response, body),
  }) as unknown as Response;

const parseAnswer = (response: Response, body: string): unknown => {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // After a write this is an unknown outcome, like every answer that cannot be read.
    throw new CallFailed("the answer is not JSON", requestIdOf(response));
  }
};

const failedAnswer = (failure: unknown): Response =>
  ({
    status: 200,
    get headers(): never {
      throw failure;
    },
    text: () => Promise.reject(failure),
    json: () => Promise.reject(failure),
  }) as unknown as Response;

const failureOfAnswer = (response: Response, body: string): CallFailed => {
  const said = errorBodyOf(body);
  const date = Date.parse(response.headers.get("date") ?? "");
  const wait = retryAfterMillisOf(response.headers.get("retry-after"), Date.now());
  const text = said?.message ?? (body.trim() || response.statusText || "no reason given");
  return new CallFailed(text, {
    statusCode: response.status,
    serviceCode: said?.code ?? "None",
    ...requestIdOf(response),
    ...(wait === null ? {} : { retryAfterMillis: wait }),
    ...(Number.isNaN(date) ? {} : { clockAheadMillis: date - Date.now() }),
  });
};

const requestIdOf = (response: Response): { readonly opcRequestId?: string } => {
  const id = response.headers.get("opc-request-id");
  return id === null ? {} : { opcRequestId: id };
};

const errorBodyOf = (
  body: string,
): { readonly code: string; readonly message: string } | undefined => {
  try {
    const parsed = JSON.parse(body) as { readonly code?: unknown; readonly message?: unknown };
    if (typeof parsed?.code !== "string" || typeof parsed.message !== "string") return undefined;
    return { code: parsed.code, message: parsed.message };
  } catch {
    return undefined;
  }
};

/** What a request that got no answer failed with, whatever `fetch` wrapped it in. */
export const failureOfNetwork = (thrown: unknown): CallFailed => {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  const code =
    typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
      ? cause.code
      : undefined;
  const message = cause instanceof Error && cause.message !== "" ? cause.message : String(thrown);
  return new CallFailed(message, code === undefined ? {} : { serviceCode: code });
};
