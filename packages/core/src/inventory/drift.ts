// Decides where a host differs from what is expected of it: each drift with its reason and its age, unknown never as none.

import type { Host, Population, Sighting, Worker } from "../words/host.ts";
import { quote } from "../words/quote.ts";

/** The types of drift, as `--drift-type` and `drift:` name them; there, `any` is each of them. */
export const driftTypes = [
  "override",
  "role",
  "unreachable",
  "tc-missing",
  "tc-mismatch",
  "disabled-active",
] as const;
export type DriftType = (typeof driftTypes)[number];

export interface Drift {
  readonly type: DriftType;
  /** What differs from what, in numbers where there are some. Text from outside is quoted. */
  readonly reason: string;
  /** Since when it is known, or how old the sight is that shows it; ISO 8601. */
  readonly since: string;
}

/** What is true of a host, and which types could not be judged, each with what is missing. */
export interface DriftVerdict {
  readonly drifts: ReadonlyArray<Drift>;
  readonly unknown: ReadonlyArray<{ readonly type: DriftType; readonly reason: string }>;
}

/** What a rollout has written to a host, and so is no drift there. */
export type OverrideExpectation = { readonly sha256: string } | null;

export interface DriftExpectations {
  readonly population: Population | null;
  readonly override: OverrideExpectation;
}

export interface DriftThresholds {
  /** Failed looks in a row before a host is `unreachable`; and they must span `unreachableMillis`. */
  readonly unreachableLooks: number;
  readonly unreachableMillis: number;
  /** How long a worker may be away from Taskcluster, in milliseconds; it reports each half hour. */
  readonly workerMillis: number;
  /** A sight that is older than this decides nothing, in milliseconds. */
  readonly staleMillis: number;
}

/** Three looks over two hours; two hours in Taskcluster; a sight of a day decides nothing. */
export const defaultDriftThresholds: DriftThresholds = {
  unreachableLooks: 3,
  unreachableMillis: 7_200_000,
  workerMillis: 7_200_000,
  staleMillis: 86_400_000,
};

export interface DriftInput {
  readonly host: Host;
  readonly sighting: Sighting;
  readonly expectations: DriftExpectations;
  readonly thresholds: DriftThresholds;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Either a drift, or what is missing to tell; nothing when all is as expected, or not asked. */
type Judgement = { readonly drift: Omit<Drift, "type"> } | { readonly unknown: string } | null;

export const driftOf = (input: DriftInput): DriftVerdict => {
  const judged = driftTypes.map((type) => ({ type, judgement: judges[type](input) }));
  return {
    drifts: judged.flatMap(({ type, judgement }) =>
      judgement !== null && "drift" in judgement ? [{ type, ...judgement.drift }] : [],
    ),
    unknown: judged.flatMap(({ type, judgement }) =>
      judgement !== null && "unknown" in judgement ? [{ type, reason: judgement.unknown }] : [],
    ),
  };
};

const drift = (since: string, reason: string): Judgement => ({ drift: { since, reason } });

/** A piece that is fresh enough to decide by, or why there is none. */
const fresh = <A>(
  { thresholds, now }: DriftInput,
  piece: { readonly value: A; readonly at: string } | undefined,
  what: string,
): { readonly value: A; readonly at: string } | { readonly unknown: string } => {
  if (piece === undefined) return { unknown: `${what} was never seen` };
  if (now - Date.parse(piece.at) > thresholds.staleMillis) {
    return { unknown: `${what} was seen last at ${piece.at}` };
  }
  return piece;
};

const ofOverride = (input: DriftInput): Judgement => {
  const seen = fresh(input, input.sighting.overrideSha, "the override");
  if ("unknown" in seen) return seen;
  const expected = input.expectations.override;
  if (seen.value === (expected?.sha256 ?? null)) return null;
  if (expected === null) return drift(seen.at, `override ${seen.value} where none is expected`);
  if (seen.value === null)
    return drift(seen.at, `no override where ${expected.sha256} is expected`);
  return drift(seen.at, `override ${seen.value} where ${expected.sha256} is expected`);
};

const ofRole = (input: DriftInput): Judgement => {
  const { expectedRole } = input.host;
  if (expectedRole === null) return null;
  const seen = fresh(input, input.sighting.role, "the role");
  if ("unknown" in seen) return seen;
  if (seen.value === expectedRole) return null;
  const found = seen.value === null ? "no role" : `role ${quote(seen.value)}`;
  return drift(seen.at, `${found} where ${quote(expectedRole)} is expected`);
};

const ofReach = (input: DriftInput): Judgement => {
  const { sighting, thresholds, now } = input;
  const { contact, silence } = sighting;
  if (contact === undefined) return { unknown: "the host was never asked" };
  if (silence === null) {
    const seen = fresh(input, contact, "the host");
    return "unknown" in seen ? seen : null;
  }
  const lasted = now - Date.parse(silence.since);
  if (silence.looks < thresholds.unreachableLooks || lasted < thresholds.unreachableMillis) {
    return null;
  }
  return drift(
    silence.since,
    `${silence.looks} looks in a row without an answer, the last: ${contact.value.reason}`,
  );
};

const ofWorkerAbsence = (input: DriftInput): Judgement => {
  const pool = input.expectations.population?.workers ?? null;
  if (pool === null) return null;
  const seen = fresh(input, input.sighting.worker, "the worker");
  if ("unknown" in seen) return seen;
  const where = `${pool.provisioner}/${pool.workerType}`;
  if (seen.value === null) return drift(seen.at, `no worker of this name, expected in ${where}`);
  const { lastActive } = seen.value;
  if (lastActive === null)
    return { unknown: "Taskcluster does not say when the worker was active" };
  if (input.now - Date.parse(lastActive) <= input.thresholds.workerMillis) return null;
  // It was there when it was looked for last: what was not looked at since is unknown, not absent.
  if (Date.parse(seen.at) - Date.parse(lastActive) <= input.thresholds.workerMillis) {
    return { unknown: `the worker was seen last at ${seen.at}, and active then` };
  }
  return drift(lastActive, `not active in ${poolOf(seen.value)} since ${lastActive}`);
};

const ofWorkerPool = (input: DriftInput): Judgement => {
  const pool = input.expectations.population?.workers ?? null;
  if (pool === null) return null;
  const seen = fresh(input, input.sighting.worker, "the worker");
  if ("unknown" in seen) return seen;
  if (seen.value === null) return null;
  const { provisioner, workerType } = seen.value;
  if (provisioner === pool.provisioner && workerType === pool.workerType) return null;
  return drift(
    seen.at,
    `worker of ${poolOf(seen.value)} where ${pool.provisioner}/${pool.workerType} is expected`,
  );
};

const poolOf = ({ provisioner, workerType }: Worker): string =>
  quote(`${provisioner}/${workerType}`);

/** Signs of life from before it was disabled are none. */
const ofDisabled = ({ host, sighting, thresholds, now }: DriftInput): Judgement => {
  if (host.disabled === null) return null;
  const { at } = host.disabled;
  const isRecent = (time: string | null): time is string =>
    time !== null &&
    Date.parse(time) > Date.parse(at) &&
    now - Date.parse(time) <= thresholds.staleMillis;
  if (isRecent(sighting.lastSeen)) {
    return drift(sighting.lastSeen, `disabled at ${at}, and answered at ${sighting.lastSeen}`);
  }
  const active = sighting.worker?.value?.lastActive ?? null;
  if (isRecent(active)) return drift(active, `disabled at ${at}, and a worker at ${active}`);
  const looked = sighting.contact?.at ?? null;
  return looked === null || looked <= at ? { unknown: "not asked since it was disabled" } : null;
};

const judges: Readonly<Record<DriftType, (input: DriftInput) => Judgement>> = {
  override: ofOverride,
  role: ofRole,
  unreachable: ofReach,
  "tc-missing": ofWorkerAbsence,
  "tc-mismatch": ofWorkerPool,
  "disabled-active": ofDisabled,
};
