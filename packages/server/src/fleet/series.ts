// Tells a fleet's metrics to Prometheus: which series there are, and when a scraper asked for them.

import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics";
import { attributes, prometheusName } from "@muster/core/report/telemetry";
import { type FleetMetrics, FleetOperation, FleetPhase } from "@muster/sdk/fleet-contract";

/** One series; the fleet's name is a label of each. */
interface Series {
  readonly name: string;
  readonly description: string;
  /** A counter only grows, until the daemon starts anew. */
  readonly type?: "counter";
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

const state = (name: string) => ({ [attributes.state]: name });
const result = (name: string) => ({ [attributes.result]: name });
const kindOf = (name: string) => ({ [attributes.operation]: name });

/** What is not known yet has no series: absent is not zero. */
const known = (value: number | undefined): ReadonlyArray<{ readonly value: number }> =>
  value === undefined || Number.isNaN(value) ? [] : [{ value }];

const moment = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time) / 1_000;

const members = ({ localActive, remoteActive, control }: FleetMetrics): ReadonlyArray<Series> => {
  const name = "muster.fleet.members";
  const description = "Members of the fleet: in the ledger, and as discovered last.";
  return [
    { name, description, labels: state("ledger"), value: localActive },
    ...known(remoteActive).map((at) => ({
      name,
      description,
      labels: state("discovered"),
      ...at,
    })),
    {
      name: "muster.fleet.desired",
      description: "Members that the document asks for, whatever overrides it.",
      value: control.desired,
    },
  ];
};

const override = ({ control }: FleetMetrics): ReadonlyArray<Series> => [
  ...known(control.override?.desired).map((at) => ({
    name: "muster.fleet.override.desired",
    description:
      "Members that an override asks for in place of the document, while one is in force.",
    ...at,
  })),
  ...known(moment(control.override?.until)).map((at) => ({
    name: "muster.fleet.override.end.timestamp.seconds",
    description: "When the override in force ends, in seconds since 1970.",
    ...at,
  })),
];

const loop = ({ control }: FleetMetrics): ReadonlyArray<Series> => [
  {
    name: "muster.fleet.loop.enabled",
    description: "1 while the control loop is on.",
    value: control.enabled ? 1 : 0,
  },
  {
    name: "muster.fleet.loop.turns.total",
    description: "Turns of the control loop since the start.",
    type: "counter",
    value: control.loopCount,
  },
  {
    name: "muster.fleet.loop.failing",
    description: "1 while the last turn of the control loop failed.",
    value: control.lastError === undefined ? 0 : 1,
  },
  ...known(moment(control.lastTick)).map((at) => ({
    name: "muster.fleet.loop.tick.timestamp.seconds",
    description: "When the control loop turned last, in seconds since 1970.",
    ...at,
  })),
  ...known(moment(control.lastConfigReload)).map((at) => ({
    name: "muster.fleet.loop.reload.timestamp.seconds",
    description: "When the configuration was read anew last, in seconds since 1970.",
    ...at,
  })),
];

const operations = ({ actions }: FleetMetrics): ReadonlyArray<Series> => [
  ...FleetOperation.literals.map((name) => ({
    name: "muster.fleet.operation.running",
    description: "1 for the operation that runs.",
    labels: kindOf(name),
    value: isRunning(actions) && actions.operation === name ? 1 : 0,
  })),
  ...FleetPhase.literals.map((name) => ({
    name: "muster.fleet.operation.phase",
    description: "1 for the phase that the running or last operation is in.",
    labels: state(name),
    value: actions.phase === name ? 1 : 0,
  })),
  ...counts("launches", "Launches of the running or last operation.", {
    requested: actions.launchRequested,
    succeeded: actions.launchSucceeded,
    failed: actions.launchFailed,
  }),
  ...counts("terminations", "Terminations of the running or last operation.", {
    requested: actions.terminateRequested,
    succeeded: actions.terminateSucceeded,
    failed: actions.terminateFailed,
  }),
  {
    name: "muster.fleet.restart.position",
    description: "The member that the running or last rolling restart is at, from 1.",
    value: actions.rollingRestartIndex,
  },
  {
    name: "muster.fleet.restart.members",
    description: "Members that the running or last rolling restart replaces.",
    value: actions.rollingRestartTotal,
  },
  {
    name: "muster.fleet.operation.failing",
    description: "1 when the running or last operation told of an error.",
    value: actions.lastError === undefined ? 0 : 1,
  },
];

const isRunning = ({ operation, phase }: FleetMetrics["actions"]): boolean =>
  operation !== undefined && phase !== "done";

const counts = (
  of: string,
  description: string,
  values: Readonly<Record<string, number>>,
): ReadonlyArray<Series> =>
  Object.entries(values).map(([name, value]) => ({
    name: `muster.fleet.operation.${of}`,
    description,
    labels: result(name),
    value,
  }));

const seriesOf = (metrics: FleetMetrics): ReadonlyArray<Series> =>
  [members, override, loop, operations].flatMap((part) => part(metrics));

/** The fleet's series in the text format 0.0.4, and behind them what the process counts of itself. */
export const exposition = (metrics: FleetMetrics): Effect.Effect<string> =>
  Effect.gen(function* () {
    const ofFleet = yield* Effect.provideService(
      formatSeries(metrics.fleet, seriesOf(metrics)),
      Metric.MetricRegistry,
      new Map(),
    );
    return ofFleet + (yield* PrometheusMetrics.format({ metricNameMapper: prometheusName }));
  });

/** In a registry of its own, so that no series outlives what it tells of. */
const formatSeries = (fleet: string, series: ReadonlyArray<Series>): Effect.Effect<string> =>
  Effect.gen(function* () {
    for (const { name, description, type, labels = {}, value } of series) {
      const named = { description, attributes: { [attributes.documentName]: fleet, ...labels } };
      yield* type === "counter"
        ? Metric.update(Metric.counter(name, named), value)
        : Metric.update(Metric.gauge(name, named), value);
    }
    return yield* PrometheusMetrics.format({ metricNameMapper: prometheusName });
  });

export const expositionType = "text/plain; version=0.0.4; charset=utf-8";

/**
 * A scraper names one of Prometheus' types, and rates it above JSON; everyone else, such as curl or
 * a browser, gets JSON.
 */
export const wantsExposition = (accept: string | undefined): boolean => {
  const ranges = (accept ?? "").split(",").map(parseRange);
  const best = (types: ReadonlyArray<string>): number =>
    Math.max(0, ...ranges.filter(({ type }) => types.includes(type)).map(({ weight }) => weight));
  return best(["text/plain", "application/openmetrics-text"]) > best(["application/json"]);
};

const parseRange = (range: string): { readonly type: string; readonly weight: number } => {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  return { type, weight: weight === undefined ? 1 : Number(weight) || 0 };
};
