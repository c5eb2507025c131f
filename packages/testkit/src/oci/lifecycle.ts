// Decides which state an instance is in at a given time, from moments stored when it was asked.

export const lifecycleStates = [
  "MOVING",
  "PROVISIONING",
  "RUNNING",
  "STARTING",
  "STOPPING",
  "STOPPED",
  "CREATING_IMAGE",
  "TERMINATING",
  "TERMINATED",
] as const;

export type LifecycleState = (typeof lifecycleStates)[number];

/** What UpdateInstance may change. */
export interface Attributes {
  readonly displayName: string;
  readonly freeformTags: Readonly<Record<string, string>>;
  readonly definedTags: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** How an instance looks from `at` (milliseconds since the epoch) until the next revision. */
export interface Revision {
  readonly at: number;
  readonly state: LifecycleState;
  readonly etag: string;
  readonly attributes: Attributes;
}

/** In order of time; entries after now are planned and may still be withdrawn. */
export type History = readonly Revision[];

/** A state to enter `afterMs` milliseconds from now. */
export interface Step {
  readonly afterMs: number;
  readonly state: LifecycleState;
}

export interface Delays {
  readonly launchDelayMs: number;
  readonly terminateDelayMs: number;
  readonly stopDelayMs: number;
  readonly startDelayMs: number;
  readonly launchPassesStarting: boolean;
}

// A long-lived instance that is updated without end must not grow without end.
const maxRevisions = 1_000;

/** The revision in force at `time`, or undefined when the instance was not there yet. */
export const revisionAt = (history: History, time: number): Revision | undefined =>
  history.findLast((revision) => revision.at <= time);

/** Enters `steps` from `now` on; whatever was planned after `now` is withdrawn. */
export const enter = (
  history: History,
  now: number,
  attributes: Attributes,
  steps: readonly Step[],
  newEtag: () => string,
): History => [
  ...history.filter((revision) => revision.at <= now).slice(-maxRevisions),
  ...steps.map((step) => ({
    at: now + step.afterMs,
    state: step.state,
    etag: newEtag(),
    attributes,
  })),
];

/** Changes attributes from `now` on; the planned states stay planned, with the new attributes. */
export const revise = (
  history: History,
  now: number,
  attributes: Attributes,
  newEtag: () => string,
): History => {
  const past = history.filter((revision) => revision.at <= now).slice(-maxRevisions);
  const planned = history.filter((revision) => revision.at > now);
  const state = past.at(-1)?.state ?? "PROVISIONING";
  return [
    ...past,
    { at: now, state, etag: newEtag(), attributes },
    ...planned.map((revision) => ({ ...revision, attributes })),
  ];
};

export interface Death {
  readonly afterMs: number;
  readonly becomes?: "TERMINATED" | "STOPPED";
}

export const launchSteps = (delays: Delays, fails: boolean, dies?: Death): readonly Step[] => [
  { afterMs: 0, state: "PROVISIONING" },
  ...(delays.launchPassesStarting
    ? [{ afterMs: Math.floor(delays.launchDelayMs / 2), state: "STARTING" } as const]
    : []),
  { afterMs: delays.launchDelayMs, state: fails ? "TERMINATED" : "RUNNING" },
  ...(dies === undefined || fails ? [] : [deathStep(dies, delays.launchDelayMs)]),
];

/** What an instance does by itself, so long after `fromMs`. */
export const deathStep = ({ afterMs, becomes }: Death, fromMs = 0): Step => ({
  afterMs: fromMs + Math.max(1, afterMs),
  state: becomes ?? "TERMINATED",
});

export const terminateSteps = (
  delays: Delays,
  fails: boolean,
  before: LifecycleState,
): readonly Step[] => [
  { afterMs: 0, state: "TERMINATING" },
  // A work request that fails leaves the instance as it was.
  { afterMs: delays.terminateDelayMs, state: fails ? before : "TERMINATED" },
];

const stopSteps = (delays: Delays): readonly Step[] => [
  { afterMs: 0, state: "STOPPING" },
  { afterMs: delays.stopDelayMs, state: "STOPPED" },
];

const startSteps = (delays: Delays): readonly Step[] => [
  { afterMs: 0, state: "STARTING" },
  { afterMs: delays.startDelayMs, state: "RUNNING" },
];

const resetSteps = (delays: Delays): readonly Step[] => [
  { afterMs: 0, state: "STOPPING" },
  { afterMs: delays.stopDelayMs, state: "STARTING" },
  { afterMs: delays.stopDelayMs + delays.startDelayMs, state: "RUNNING" },
];

export interface PowerAction {
  /** The only state it is accepted in. */
  readonly from: LifecycleState;
  readonly steps: (delays: Delays) => readonly Step[];
}

/** What InstanceAction can do, by the name in `?action=`. */
export const powerActions: ReadonlyMap<string, PowerAction> = new Map([
  ["STOP", { from: "RUNNING", steps: stopSteps }],
  ["SOFTSTOP", { from: "RUNNING", steps: stopSteps }],
  ["START", { from: "STOPPED", steps: startSteps }],
  ["RESET", { from: "RUNNING", steps: resetSteps }],
  ["SOFTRESET", { from: "RUNNING", steps: resetSteps }],
]);

/** An instance that will never run again. */
export const isDead = (state: LifecycleState): boolean =>
  state === "TERMINATING" || state === "TERMINATED";
