// Decides what worker-manager answers to one request: who asks, may they, for which page.

import { identify, satisfies, type SimulatedClient } from "./clients.ts";
import type { FaultTable, TaskclusterFault } from "./faults.ts";
import { type HawkFields, type makeHawkCheck, readHawk, type ReceivedRequest } from "./hawk.ts";
import { detailsOf, listRows, type SimulatedWorker } from "./workers.ts";

export interface Service {
  readonly clients: ReadonlyArray<SimulatedClient>;
  readonly anonymousScopes: ReadonlyArray<string>;
  readonly workers: () => ReadonlyArray<SimulatedWorker>;
  readonly faults: FaultTable;
  readonly checkHawk: ReturnType<typeof makeHawkCheck>;
  readonly now: () => number;
  readonly pageSize: number;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Whether the body is a page for people, not JSON. */
  readonly page?: true;
}

/** What is sent, and what becomes of it on the way. */
export interface Outcome {
  readonly answer: Answer;
  readonly fault?: TaskclusterFault;
  /** Who asked; nothing for nobody in particular, or who could not show it. */
  readonly clientId: string | null;
}

export interface Received {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly authorization: string | undefined;
}

const prefix = "/api/worker-manager/v1/";

export const serve = (service: Service, received: Received): Outcome => {
  const url = new URL(received.target, "http://any");
  const route = routeOf(received.method, url.pathname);
  if (route === undefined) {
    return {
      answer: { status: 404, body: `Cannot GET ${url.pathname}`, page: true },
      clientId: null,
    };
  }
  const caller = authenticate(service, received);
  if (typeof caller === "string") {
    return { answer: refuse(401, "AuthenticationFailed", caller, received), clientId: null };
  }
  const answer =
    refuseParameters(route, url.searchParams, received) ??
    refuseCaller(caller, route, received) ??
    answerRoute(service, route, url.searchParams, received);
  const [provisionerId, workerType] = route.names;
  const page = Math.floor((offsetOf(url.searchParams) ?? 0) / limitOf(service, url.searchParams));
  const fault = service.faults.take(`${provisionerId}/${workerType}`, page);
  return { answer, clientId: caller.clientId, ...(fault === undefined ? {} : { fault }) };
};

type Route =
  | { readonly operation: "listWorkers"; readonly names: readonly [string, string] }
  | {
      readonly operation: "getWorker";
      readonly names: readonly [string, string, string, string];
    };

const routeOf = (method: string, path: string): Route | undefined => {
  const [, list, one] =
    /^provisioners\/([^/]+\/worker-types\/[^/]+\/workers)(\/[^/]+\/[^/]+)?$/u.exec(
      path.startsWith(prefix) ? path.slice(prefix.length) : "",
    ) ?? [];
  if (method !== "GET" || list === undefined) return undefined;
  const [provisionerId = "", , workerType = ""] = list.split("/").map(decodeURIComponent);
  if (one === undefined) return { operation: "listWorkers", names: [provisionerId, workerType] };
  const [, workerGroup = "", workerId = ""] = one.split("/").map(decodeURIComponent);
  return { operation: "getWorker", names: [provisionerId, workerType, workerGroup, workerId] };
};

interface Asking {
  readonly clientId: string | null;
  readonly scopes: ReadonlyArray<string>;
}

/** Who it is, or what is wrong with what they show. */
const authenticate = (
  { clients, anonymousScopes, checkHawk, now }: Service,
  { authorization, ...request }: Received,
): Asking | string => {
  if (authorization === undefined) return { clientId: null, scopes: anonymousScopes };
  const fields: HawkFields | string = readHawk(authorization);
  if (typeof fields === "string") return fields;
  const caller = identify(clients, fields.id, fields.ext, now());
  if (typeof caller === "string") return caller;
  const signed: ReceivedRequest = { ...request, authorization };
  return checkHawk(caller.key, signed, fields, now()) ?? caller;
};

const queries = { listWorkers: ["continuationToken", "limit", "quarantined", "workerState"] };

const refuseParameters = (
  { operation, names: [provisionerId, workerType, ...worker] }: Route,
  query: URLSearchParams,
  received: Received,
): Answer | undefined => {
  const isPool =
    /^[a-zA-Z0-9-_]{1,38}$/u.test(provisionerId) &&
    /^[a-z]([-a-z0-9]{0,36}[a-z0-9])?$/u.test(workerType) &&
    worker.every((name) => /^[a-zA-Z0-9-_]{1,38}$/u.test(name));
  const known: ReadonlyArray<string> = operation === "listWorkers" ? queries.listWorkers : [];
  const isQuery =
    Array.from(query.keys()).every((name) => known.includes(name)) &&
    /^[0-9]{1,9}$/u.test(query.get("limit") ?? "1") &&
    offsetOf(query) !== undefined;
  return isPool && isQuery
    ? undefined
    : refuse(400, "InvalidRequestArguments", "Invalid URL patterns or query", received);
};

const refuseCaller = (
  { clientId, scopes }: Asking,
  { operation, names }: Route,
  received: Received,
): Answer | undefined => {
  const verb = operation === "listWorkers" ? "list-workers" : "get-worker";
  const needed = `worker-manager:${verb}:${names.join("/")}`;
  return satisfies(scopes, needed)
    ? undefined
    : refuse(
        403,
        "InsufficientScopes",
        `Client ID ${clientId ?? "anonymous"} does not have sufficient scopes and is missing ${needed}`,
        received,
      );
};

const answerRoute = (
  service: Service,
  route: Route,
  query: URLSearchParams,
  received: Received,
): Answer => {
  if (route.operation === "getWorker") {
    const body = detailsOf(service.workers(), route.names, service.now());
    return body === undefined
      ? refuse(404, "ResourceNotFound", `Worker ${route.names.join("/")} not found`, received)
      : { status: 200, body };
  }
  const [provisionerId, workerType] = route.names;
  const rows = listRows(service.workers(), provisionerId, workerType, service.now());
  const from = offsetOf(query) ?? 0;
  const to = from + limitOf(service, query);
  return {
    status: 200,
    body: {
      workers: rows.slice(from, to),
      ...(rows.length > to ? { continuationToken: tokenOf(to) } : {}),
    },
  };
};

const limitOf = ({ pageSize }: Service, query: URLSearchParams): number =>
  Math.max(1, Math.min(pageSize, Number(query.get("limit") ?? pageSize)));

/** By place, as Taskcluster does it: a row that goes moves all that come after it. */
const tokenOf = (offset: number): string => Buffer.from(`from ${offset}`).toString("base64url");

/** Where a page begins; nothing for a token that nobody gave. */
const offsetOf = (query: URLSearchParams): number | undefined => {
  const token = query.get("continuationToken");
  if (token === null) return 0;
  const [, offset] = /^from (\d+)$/u.exec(Buffer.from(token, "base64url").toString()) ?? [];
  return offset === undefined ? undefined : Number(offset);
};

export const refuse = (
  status: number,
  code: string,
  message: string,
  { method, target }: Received,
): Answer => ({
  status,
  body: {
    code,
    message: `${message}\n\n---\n\n* errorCode:  ${code}\n* statusCode: ${status}`,
    requestInfo: { method, target },
  },
});
