// Carries one request to Taskcluster: signed, within its time, and never longer than it may be.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import type { ProviderError } from "@muster/core/words/provider";
import { retryAfterMillisOf } from "@muster/core/words/retry-after";
import { type CallFailure, isAbsent, providerErrorOf, strangeAnswer } from "./failure.ts";
import { type Credentials, hawkHeader } from "./hawk.ts";
import type { TaskclusterSettings } from "./settings.ts";

/** What a call may take from its beginning to the last byte, in milliseconds. */
export const callMillis = 30_000;

/** The longest answer that is read, in bytes: a thousand workers have about half a million. */
const maxAnswerBytes = 8 * 1024 * 1024;

export interface Call {
  readonly operation: string;
  readonly scope: string;
  /** Such as `worker-manager`. */
  readonly service: string;
  /** Each is encoded by itself. */
  readonly path: ReadonlyArray<string>;
  readonly query: Readonly<Record<string, string>>;
}

export interface TaskclusterClient {
  /** The JSON that was answered. */
  readonly get: (call: Call) => Effect.Effect<unknown, ProviderError>;
  /** The same; `undefined` where Taskcluster says that there is no such thing. */
  readonly find: (call: Call) => Effect.Effect<unknown, ProviderError>;
}

export const makeClient = (settings: TaskclusterSettings): TaskclusterClient => {
  const errorOf = ({ operation, scope }: Call, fault: CallFailure): ProviderError =>
    providerErrorOf({ operation, scope, clientId: settings.credentials?.clientId ?? null }, fault);
  return {
    get: (call) => Effect.mapError(send(settings, call), (fault) => errorOf(call, fault)),
    find: (call) =>
      Effect.catch(send(settings, call), (fault) =>
        isAbsent(fault) ? Effect.succeed(undefined) : Effect.fail(errorOf(call, fault)),
      ),
  };
};

const send = Effect.fnUntraced(function* (
  { rootUrl, credentials }: TaskclusterSettings,
  call: Call,
): Effect.fn.Return<unknown, CallFailure> {
  const url = urlOf(rootUrl, call);
  const now = yield* Clock.currentTimeMillis;
  const authorization =
    credentials === null ? null : hawkHeader(credentials, { method: "GET", url, now });
  const headers = {
    accept: "application/json",
    ...(authorization === null ? {} : { authorization }),
  };
  const answer = yield* Effect.tryPromise({
    try: async (signal) => {
      // A signature is for one address: nobody may send it elsewhere.
      const response = await fetch(url, { headers, redirect: "manual", signal });
      return { response, body: await readBounded(response) };
    },
    catch: failureOfNetwork,
  }).pipe(
    Effect.timeoutOrElse({
      duration: callMillis,
      orElse: () => Effect.fail(failure(`no answer within ${callMillis / 1_000} s`)),
    }),
  );
  return yield* readAnswer(answer, secretsOf(credentials, authorization), now);
});

const urlOf = (rootUrl: string, { service, path, query }: Call): URL => {
  const url = new URL(
    `${rootUrl}/api/${service}/v1/${path.map((part) => encodeURIComponent(part)).join("/")}`,
  );
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
};

interface Answer {
  readonly response: Response;
  /** Nothing when it is too long. */
  readonly body: string | null;
}

const readBounded = async (response: Response): Promise<string | null> => {
  if (response.body === null) return "";
  const chunks: Array<Uint8Array> = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > maxAnswerBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};

const readAnswer = (
  { response, body }: Answer,
  secrets: ReadonlyArray<string>,
  now: number,
): Effect.Effect<unknown, CallFailure> => {
  if (body === null)
    return Effect.fail(failure(`the answer is longer than ${maxAnswerBytes} bytes`));
  const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
  if (!response.ok) return Effect.fail(failureOfAnswer(response, isJson ? body : "", secrets, now));
  if (!isJson) return Effect.fail(failure("the answer is not JSON", { code: strangeAnswer }));
  const parsed = parse(body);
  return parsed === undefined
    ? Effect.fail(failure("the answer is no whole JSON"))
    : Effect.succeed(parsed);
};

const failure = (message: string, given: Partial<CallFailure> = {}): CallFailure => ({
  status: null,
  code: null,
  message,
  retryAfterMillis: null,
  clockAheadMillis: null,
  ...given,
});

const failureOfAnswer = (
  response: Response,
  body: string,
  secrets: ReadonlyArray<string>,
  now: number,
): CallFailure => {
  const said = parse(body) as { readonly code?: unknown; readonly message?: unknown } | undefined;
  const date = Date.parse(response.headers.get("date") ?? "");
  const message = typeof said?.message === "string" ? firstPart(said.message) : response.statusText;
  return failure(withoutSecrets(message === "" ? "no reason given" : message, secrets), {
    status: response.status,
    code: typeof said?.code === "string" ? said.code : null,
    retryAfterMillis: retryAfterMillisOf(response.headers.get("retry-after"), now),
    clockAheadMillis: Number.isNaN(date) ? null : date - now,
  });
};

/** What follows the dashes repeats the request. */
const firstPart = (message: string): string => message.split("\n\n---")[0]!.trim();

/** The longest first, so that none is told by what another one leaves of it. */
const secretsOf = (
  credentials: Credentials | null,
  authorization: string | null,
): ReadonlyArray<string> =>
  [
    authorization,
    ...Array.from(authorization?.matchAll(/(?:ext|mac)="([^"]+)"/gu) ?? [], ([, value]) => value),
    ...[credentials?.accessToken, credentials?.certificate].map((secret) =>
      secret === undefined || secret === null ? null : Redacted.value(secret),
    ),
  ]
    .filter((secret) => secret !== null && secret !== undefined)
    .toSorted((a, b) => b.length - a.length);

/** A server that tells what it was sent must not make us tell it. */
const withoutSecrets = (message: string, secrets: ReadonlyArray<string>): string =>
  secrets.reduce((text, secret) => text.replaceAll(secret, "<redacted>"), message);

/** What a request that got no answer failed with, whatever `fetch` wrapped it in. */
const failureOfNetwork = (thrown: unknown): CallFailure => {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  const code =
    typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
      ? cause.code
      : null;
  const message = cause instanceof Error && cause.message !== "" ? cause.message : String(thrown);
  return failure(message, { code });
};

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
};
