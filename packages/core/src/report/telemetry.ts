// The vocabulary of telemetry: the names of spans, attributes, metrics and log events, spelled once.

import * as Metric from "effect/Metric";

/** Names of spans; few and fixed, what varies stands in attributes. */
export const spans = {
  /** One run: the whole trace hangs below it. Completed by the pipeline, such as `SYNC muster`. */
  run: "SYNC",
  command: "RUN",
  turn: "reconcileOnce",
  tick: "tick",
  unit: "unit",
  read: "read",
  look: "look",
  observe: "observe",
  observeResource: "observe resource",
  plan: "plan",
  apply: "apply",
  /** Completed by the action, such as `change create`. */
  change: "change",
  storeCommit: "store commit",
  report: "report",
  publish: "publish",
  /** Completed by the operation, such as `git fetch`. */
  git: "git",
  /** Completed by the operation, such as `oci LaunchInstance`. */
  oci: "oci",
  lookAtHosts: "look at hosts",
} as const;

/** OpenTelemetry's conventions where they have a name for it, ours below `muster.` where not. */
export const attributes = {
  pipelineName: "cicd.pipeline.name",
  pipelineAction: "cicd.pipeline.action.name",
  pipelineRunId: "cicd.pipeline.run.id",
  pipelineRunState: "cicd.pipeline.run.state",
  pipelineResult: "cicd.pipeline.result",
  taskRunResult: "cicd.pipeline.task.run.result",
  repositoryUrl: "vcs.repository.url.full",
  refName: "vcs.ref.head.name",
  refRevision: "vcs.ref.head.revision",
  refType: "vcs.ref.head.type",
  environment: "deployment.environment.name",
  cloudProvider: "cloud.provider",
  cloudRegion: "cloud.region",
  resends: "http.request.resend_count",
  httpStatus: "http.response.status_code",
  errorType: "error.type",
  exitCode: "process.exit.code",
  executable: "process.executable.name",
  operation: "muster.operation",
  resource: "muster.resource",
  documentKind: "muster.document.kind",
  documentName: "muster.document.name",
  documents: "muster.documents",
  changes: "muster.changes",
  refusals: "muster.refusals",
  planDigest: "muster.plan.digest",
  action: "muster.change.action",
  member: "muster.member",
  result: "muster.result",
  reason: "muster.reason",
  state: "muster.state",
  scope: "muster.scope",
  hosts: "muster.hosts.asked",
  answered: "muster.hosts.answered",
  records: "muster.store.records",
  auditEntries: "muster.store.audit_entries",
  /** How a linked span stands to ours. */
  link: "muster.link",
} as const;

/** Boundaries of durations, in seconds: from one quick call to a slow launch. */
const seconds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200,
];

const duration = (name: string, description: string) =>
  Metric.histogram(name, { description, boundaries: seconds, attributes: { unit: "s" } });

const counter = (name: string, description: string, unit: string) =>
  Metric.counter(name, { description, incremental: true, attributes: { unit } });

const gauge = (name: string, description: string, unit: string) =>
  Metric.gauge(name, { description, attributes: { unit } });

/** All metrics. None carries an identifier: the number of series stays bounded. */
export const metrics = {
  runDuration: duration("cicd.pipeline.run.duration", "How long runs took, by result."),
  runErrors: counter(
    "cicd.pipeline.run.errors",
    "Runs that ended in an error, by kind.",
    "{error}",
  ),
  ticks: counter("muster.ticks", "Turns of the loop, by result.", "{tick}"),
  changes: counter("muster.changes", "Changes carried out, by action and result.", "{change}"),
  changeDuration: duration(
    "muster.change.duration",
    "How long changes took, by action and result.",
  ),
  providerCalls: duration(
    "muster.provider.call.duration",
    "How long calls to providers took, by operation and reason of failure.",
  ),
  providerRetries: counter(
    "muster.provider.retries",
    "Calls to providers that were tried again, by reason.",
    "{retry}",
  ),
  gitCalls: duration(
    "muster.git.duration",
    "How long git ran, by operation and reason of failure.",
  ),
  units: gauge("muster.units", "Documents, by state.", "{document}"),
  members: gauge("muster.members", "Members of a document: asked, present, running.", "{member}"),
  hosts: gauge("muster.hosts", "Hosts that were looked at last, by how they answered.", "{host}"),
  leaseHeld: gauge("muster.lease.held", "1 while this process holds the lease.", "{lease}"),
  storeCommits: counter(
    "muster.store.commits",
    "Transactions of the store, by result.",
    "{commit}",
  ),
  pushes: counter("muster.pushes", "Pushes of status and audit, by result.", "{push}"),
} as const;

/** The name of a metric as Prometheus knows it: with its unit, and `_total` when it only grows. */
export const prometheusName = (name: string): string => {
  const base = name.replaceAll(/[^A-Za-z0-9_]/gu, "_");
  const found = Object.values(metrics).find((metric) => metric.id === name);
  if (found === undefined) return base;
  if (found.type === "Histogram") return `${base}_seconds`;
  return found.type === "Counter" ? `${base}_total` : base;
};

/** Events of the log: the value of `event.name`, with what is said and what is attached. */
export const events = {
  loopStopping: "loop.stopping",
  loopStopped: "loop.stopped",
  tickFinished: "tick.finished",
  tickFailed: "tick.failed",
  headMoved: "source.moved",
  sourceHeld: "source.held",
  faultFound: "fault.found",
  leaseWaiting: "lease.waiting",
  changeStarted: "change.started",
  changeProgress: "change.progress",
  changeFinished: "change.finished",
  unitEnded: "unit.ended",
  unitRecovered: "unit.recovered",
  unitBackedOff: "unit.backed-off",
  statusPublished: "status.published",
  configurationRead: "configuration.read",
  httpListening: "http.listening",
  hostsLookedAt: "hosts.looked-at",
  hostsNotLookedAt: "hosts.not-looked-at",
} as const;

export type EventName = (typeof events)[keyof typeof events];
