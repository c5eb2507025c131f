// What people, scrapers and pages do to a daemon: requests, listeners and changes, and what each must be answered.

import type { FleetAnswer, FleetMetrics } from "@muster/sdk/fleet-contract";
import type { Voices } from "./voices.ts";

export interface Target {
  readonly url: string;
  readonly token: string;
  readonly voices: Voices;
  /** Counts one event of this sort. */
  readonly count: (sort: string) => void;
  /** Something was not answered, or not as it must be. */
  readonly fault: (text: string) => void;
}

interface Answered {
  readonly status: number;
  readonly body: string;
}

const ask = async (
  { url, voices, count, fault }: Target,
  path: string,
  expected: ReadonlyArray<number>,
  init: RequestInit = {},
): Promise<Answered | null> => {
  const what = `${init.method ?? "GET"} ${path}`;
  try {
    const response = await fetch(url + path, init);
    const body = await response.text();
    count("answers");
    if (init.method === "POST") count(`${what} ${response.status}`);
    if (!expected.includes(response.status)) fault(`${what}: ${response.status} ${body}`);
    if (response.status >= 400) {
      const { error } = JSON.parse(body) as { error?: Record<string, unknown> };
      const { reason, message, remedy } = error ?? {};
      if (![reason, message, remedy].every((text) => typeof text === "string" && text !== "")) {
        fault(`${what}: ${response.status} without reason, message and remedy`);
      }
      voices.hear("answer", String(message));
    }
    return { status: response.status, body };
  } catch (error) {
    fault(`${what}: no answer: ${String((error as Error).cause ?? error)}`);
    return null;
  }
};

/** What tells of the fleet, and is heard. */
export const readControl = async (target: Target): Promise<FleetMetrics["control"] | null> => {
  const answered = await ask(target, "/control", [200]);
  if (answered === null) return null;
  const control = JSON.parse(answered.body) as FleetMetrics["control"];
  target.voices.hear("control", control.lastError ?? "");
  return control;
};

export const readMetrics = async (target: Target): Promise<void> => {
  const answered = await ask(target, "/metrics", [200]);
  if (answered !== null) hearMetrics(target.voices, JSON.parse(answered.body) as FleetMetrics);
};

export const scrape = async (target: Target): Promise<string> => {
  const answered = await ask(target, "/metrics", [200], { headers: { accept: "text/plain" } });
  return answered?.body ?? "";
};

/** A look of its own: it may find that nothing can be seen, and says so. */
export const readStatus = async (target: Target): Promise<string> => {
  const answered = await ask(target, "/status", [200, 502, 504]);
  const body = answered?.body ?? "";
  for (const line of body.split("\n").filter((one) => /^\s+(?:refused|error) /u.test(one))) {
    target.voices.hear("status", line);
  }
  return body;
};

export const readHealth = (target: Target) => ask(target, "/healthz", [200]);

const hearMetrics = (voices: Voices, { control, actions }: FleetMetrics): void => {
  voices.hear("control", control.lastError ?? "");
  voices.hear("operation", actions.lastError ?? "");
};

const post = (target: Target, path: string, body: unknown, expected: ReadonlyArray<number>) =>
  ask(target, path, expected, {
    method: "POST",
    headers: { authorization: `Bearer ${target.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/** Done, busy, refused, or it failed and says why. */
const ends = [200, 409, 422, 502];

export const scale = async (target: Target, desired: number): Promise<void> => {
  const answered = await post(target, "/scale", { desired, reason: "the soak" }, ends);
  if (answered?.status !== 200) return;
  const answer = JSON.parse(answered.body) as FleetAnswer;
  if (answer.desired !== desired || answer.actual !== desired) {
    target.fault(`a scale to ${desired} ended well with ${answered.body}`);
  }
};

export const restart = (target: Target) => post(target, "/rolling-restart", {}, ends);

export const sync = (target: Target) => post(target, "/sync-state", {}, ends);

/** Refused, each for another reason. */
export const trespass = async (target: Target, turn: number): Promise<void> => {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ desired: 0 });
  const wrong = { ...headers, authorization: `Bearer ${"x".repeat(43)}` };
  const right = { ...headers, authorization: `Bearer ${target.token}` };
  const tries = [
    () => ask(target, "/scale", [401], { method: "POST", headers, body }),
    () => ask(target, "/scale", [401], { method: "POST", headers: wrong, body }),
    () => ask(target, "/scale", [400], { method: "POST", headers: right, body: '{"desired":' }),
    () => ask(target, "/scale", [405]),
    () => ask(target, "/nowhere", [404]),
  ];
  await tries[turn % tries.length]!();
};

/** A page that listens for so long, and goes without a word; one that does not `read` is in trouble itself. */
export const listen = async (target: Target, millis: number, read: boolean): Promise<void> => {
  const gone = AbortSignal.timeout(Math.max(1, Math.round(millis)));
  try {
    const response = await fetch(`${target.url}/events`, { signal: gone });
    if (response.status !== 200) return target.fault(`/events: ${response.status}`);
    target.count("listeners");
    if (!read) {
      await new Promise((resolve) => gone.addEventListener("abort", resolve));
      return;
    }
    let text = "";
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      const events = (text + part).split("\n\n");
      text = events.pop()!;
      for (const event of events) hearEvent(target, event);
    }
    target.fault("/events: the daemon ended it");
  } catch (error) {
    if (!gone.aborted) target.fault(`/events: ${String((error as Error).cause ?? error)}`);
  }
};

const hearEvent = ({ voices, count }: Target, event: string): void => {
  const data = /^event: metrics\ndata: (.*)$/u.exec(event)?.[1];
  if (data === undefined) return;
  count("events heard");
  const { control, actions } = JSON.parse(data) as FleetMetrics;
  voices.hear("events", control.lastError ?? actions.lastError ?? "");
};
