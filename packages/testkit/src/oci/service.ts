// Decides what comes of one API request: signature, route, throttle, faults, operation.

import { randomBytes } from "node:crypto";
import {
  cannotParse,
  isSuccess,
  notAuthenticated,
  refuse,
  tooManyRequests,
  type Answer,
} from "./answer.ts";
import type { SimulatorCaller } from "./account.ts";
import { serveAuth, type AuthOperation, type AuthService } from "./auth-service.ts";
import type { SimulatorClock } from "./clock.ts";
import type { Cloud } from "./cloud.ts";
import { longestHoldMs, type FaultAnswer, type FaultTable } from "./faults.ts";
import type { Call, Decision, Fate } from "./call.ts";
import type { Operation } from "./operation.ts";
import { findRoute, type Route } from "./routes.ts";
import { verifySignature, type SignatureFailure, type SignedRequest } from "./signature.ts";
import { isFields } from "./tags.ts";
import type { Throttle, ThrottleOptions } from "./throttle.ts";

/** Everything that a request is decided with. */
export interface Service extends Omit<AuthService, "seed"> {
  readonly cloud: Cloud;
  readonly clock: SimulatorClock;
  readonly faults: FaultTable;
  /** When it began, in the simulator's time; a fault's times count from here. */
  readonly beganAt: number;
  readonly throttle: (Throttle & Pick<ThrottleOptions, "retryAfterSeconds">) | undefined;
}

export interface Arrived extends SignedRequest {
  readonly clientIp: string;
}

/** What the connection does with the answer. */
export type Manner = "send" | "drop" | "cut" | "tear";

export interface Outcome {
  readonly answer: Answer;
  readonly manner: Manner;
  /** Real milliseconds to wait before the answer leaves or the connection is destroyed. */
  readonly afterMs: number;
}

/** What is known of a request; filled in on its way, for the request log. */
interface Trail {
  operation: Operation | AuthOperation | "Unknown";
  fault?: string;
  signatureFailure?: SignatureFailure;
  signatureDetail?: string;
}

/** Decides one request, makes the change it leads to, and writes both down. */
export const serve = (service: Service, arrived: Arrived): Outcome => {
  service.clock.requestArrived();
  const now = service.clock.now();
  const requestId = requestIdOf(arrived);
  const trail: Trail = { operation: "Unknown" };
  const outcome = decide(service, arrived, now, requestId, trail);
  const answer = {
    ...outcome.answer,
    headers: { "opc-request-id": requestId, ...outcome.answer.headers },
  };
  service.cloud.journal.recordRequest({
    at: now,
    method: arrived.method,
    target: arrived.target,
    status: outcome.manner === "send" ? answer.status : 0,
    requestId,
    ...codeOf(answer),
    ...trail,
  });
  return { ...outcome, answer };
};

const decide = (
  service: Service,
  arrived: Arrived,
  now: number,
  requestId: string,
  trail: Trail,
): Outcome => {
  const auth = serveAuth({ ...service, seed: service.cloud.seed }, arrived);
  if (auth !== undefined) {
    trail.operation = auth.operation;
    if (auth.signatureFailure !== undefined) trail.signatureFailure = auth.signatureFailure;
    return send(auth.answer);
  }
  const verified = verifySignature(arrived, service.keys, service.wallClock());
  if ("failure" in verified) {
    trail.signatureFailure = verified.failure;
    if (verified.detail !== "") trail.signatureDetail = verified.detail;
    return send(notAuthenticated());
  }
  const routed = findRoute(arrived.method, arrived.target);
  if (routed === "no-path") return send(refuse(404, "NotFound", "No such path."));
  if (routed === "no-method") {
    return send(refuse(405, "MethodNotAllowed", `${arrived.method} is not allowed here.`));
  }
  trail.operation = routed.route.operation;
  if (service.throttle?.admit(verified.account.userId, now) === false) {
    return send(throttled(service.throttle.retryAfterSeconds));
  }
  const body = readBody(arrived.body);
  if (body === "unreadable") return send(cannotParse("The request body is not valid JSON."));
  return withFaults(
    service,
    routed.route,
    callOf(arrived, verified.account, routed, body.value, now, requestId),
    trail,
  );
};

const callOf = (
  arrived: Arrived,
  account: SimulatorCaller,
  routed: { readonly route: Route; readonly path: Call["path"]; readonly query: URLSearchParams },
  body: unknown,
  now: number,
  requestId: string,
): Call => ({
  operation: routed.route.operation,
  path: routed.path,
  query: routed.query,
  header: (name) => {
    const value = arrived.headers[name];
    return Array.isArray(value) ? value[0] : value;
  },
  body,
  account,
  requestId,
  clientIp: arrived.clientIp,
  now,
});

const withFaults = (service: Service, route: Route, call: Call, trail: Trail): Outcome => {
  const strike = (moment: "arrival" | "acceptance" | "departure"): FaultAnswer | undefined => {
    const struck = service.faults.strike(moment, {
      operation: call.operation,
      laterPage: call.query.has("page"),
      elapsedMs: call.now - service.beganAt,
      ...placeIn(call),
    });
    if (struck !== undefined) trail.fault = nameOf(struck);
    return struck;
  };
  const atArrival = strike("arrival");
  if (atArrival !== undefined) return replaced(atArrival, nothing, call);

  const decision = route.decide(service.cloud, call);
  const answer = carryOut(decision, () => strike("acceptance"), call);
  if (!isSuccess(answer)) return send(answer);
  const atDeparture = strike("departure");
  return atDeparture === undefined ? send(answer) : replaced(atDeparture, answer, call);
};

/** Makes the change that was decided, unless a fault strikes first. */
const carryOut = (
  decision: Decision,
  strike: () => FaultAnswer | undefined,
  call: Call,
): Answer => {
  if ("answer" in decision) return decision.answer;
  const struck = strike();
  if (struck === undefined) return decision.change({});
  return isFate(struck) ? decision.change(struck) : replaced(struck, nothing, call).answer;
};

/** Whether the change is made, and the fault only adds to it. */
const isFate = (fault: FaultAnswer): fault is Extract<FaultAnswer, Fate> =>
  typeof fault === "object" &&
  ("workRequestFails" in fault || "workRequestCanceled" in fault || "dies" in fault);

const nothing: Answer = { status: 0 };

/** What a fault makes of an answer. */
const replaced = (fault: FaultAnswer, answer: Answer, call: Call): Outcome => {
  if (fault === "repeatCursor") return send(withCursor(answer, call.query.get("page")));
  if (typeof fault === "string") return { answer, manner: fault, afterMs: 0 };
  if ("hangMs" in fault) return { answer, manner: "cut", afterMs: bounded(fault.hangMs) };
  if ("delayMs" in fault) return { answer, manner: "send", afterMs: bounded(fault.delayMs) };
  if (isFate(fault)) return send(answer);
  const error =
    "html" in fault
      ? { status: fault.status, html: fault.html }
      : refuse(fault.status, fault.code, fault.message);
  return send(withRetryAfter(error, fault.retryAfterSeconds));
};

const withCursor = (answer: Answer, page: string | null): Answer =>
  page === null ? answer : { ...answer, headers: { ...answer.headers, "opc-next-page": page } };

const bounded = (ms: number): number => Math.min(Math.max(ms, 0), longestHoldMs);

const send = (answer: Answer): Outcome => ({ answer, manner: "send", afterMs: 0 });

const throttled = (retryAfterSeconds: number | undefined): Answer =>
  withRetryAfter(tooManyRequests(), retryAfterSeconds);

const withRetryAfter = (answer: Answer, seconds: number | undefined): Answer =>
  seconds === undefined ? answer : { ...answer, headers: { "retry-after": String(seconds) } };

const nameOf = (fault: FaultAnswer): string =>
  typeof fault === "string"
    ? fault
    : "status" in fault
      ? `${fault.status} ${"code" in fault ? fault.code : "HTML"}`
      : (Object.keys(fault)[0] ?? "fault");

const placeIn = (call: Call) => {
  if (call.operation !== "LaunchInstance" || !isFields(call.body)) return {};
  const text = (name: string): string | undefined => {
    const value = isFields(call.body) ? call.body[name] : undefined;
    return typeof value === "string" ? value : undefined;
  };
  return { availabilityDomain: text("availabilityDomain"), faultDomain: text("faultDomain") };
};

const codeOf = (answer: Answer): { readonly code?: string } =>
  isFields(answer.body) && typeof answer.body["code"] === "string"
    ? { code: answer.body["code"] }
    : {};

const readBody = (body: Buffer): { readonly value: unknown } | "unreadable" => {
  if (body.length === 0) return { value: undefined };
  try {
    return { value: JSON.parse(body.toString()) as unknown };
  } catch {
    return "unreadable";
  }
};

// The service extends what the client sent, so that both ends can be found in its logs.
const requestIdOf = (arrived: Arrived): string => {
  const given = arrived.headers["opc-request-id"];
  const client = typeof given === "string" && given !== "" ? given.slice(0, 128) : hex(16);
  return `${client}/${hex(16)}/${hex(16)}`;
};

const hex = (bytes: number): string => randomBytes(bytes).toString("hex").toUpperCase();
