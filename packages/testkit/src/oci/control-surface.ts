// Decides what the control surface under /simulator/ answers: for tests in another process.

import { cannotParse, notFound, ok, refuse, type Answer } from "./answer.ts";
import type { ForeignInstance } from "./cloud.ts";
import type { FaultRule } from "./faults.ts";
import type { Controls } from "./controls.ts";
import { lifecycleStates } from "./lifecycle.ts";
import { isFields, type Fields } from "./tags.ts";

export const controlPrefix = "/simulator/";

type Control = (controls: Controls, body: Fields) => Answer;

const gets: Readonly<Record<string, Control>> = {
  journal: (controls) => ok(controls.journal()),
  requests: (controls) => ok(controls.requests()),
  instances: (controls) => ok(controls.instances()),
  faults: (controls) => ok(controls.faults.rules()),
  time: (controls) => ok({ now: controls.now() }),
};

const posts: Readonly<Record<string, Control>> = {
  advance: (controls, { ms }) => {
    if (typeof ms !== "number") return cannotParse("ms must be a number of milliseconds");
    controls.advance(ms);
    return ok({ now: controls.now() });
  },
  kill: (controls, { instanceId }) => (controls.kill(String(instanceId)) ? ok({}) : notFound()),
  stop: (controls, { instanceId }) => (controls.stop(String(instanceId)) ? ok({}) : notFound()),
  foreign: (controls, body) =>
    isForeign(body)
      ? ok(controls.addForeign(body))
      : cannotParse("createdAt must be a number, lifecycleState a known state, tags an object"),
  faults: (controls, { rules }) => {
    if (!Array.isArray(rules)) return cannotParse("rules must be a list");
    controls.faults.set(rules as readonly FaultRule[]);
    return ok(controls.faults.rules());
  },
  reset: (controls) => {
    controls.reset();
    return ok({});
  },
};

const isForeign = (body: Fields): body is Fields & ForeignInstance => {
  const { createdAt, lifecycleState, freeformTags } = body;
  return (
    (createdAt === undefined || typeof createdAt === "number") &&
    (lifecycleState === undefined || lifecycleStates.some((state) => state === lifecycleState)) &&
    (freeformTags === undefined || isFields(freeformTags))
  );
};

/** Answers one control request. Nothing here is part of the service's API. */
export const control = (
  controls: Controls,
  method: string,
  target: string,
  body: Buffer,
): Answer => {
  const name = target.slice(controlPrefix.length).split("?")[0] ?? "";
  const table = method === "GET" ? gets : method === "POST" ? posts : {};
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined) return refuse(404, "NotFound", "No such control.");
  const fields = fieldsOf(body);
  return fields === undefined
    ? cannotParse("The body must be a JSON object.")
    : found(controls, fields);
};

const fieldsOf = (body: Buffer): Fields | undefined => {
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString());
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
};
