// Keeps what a command sends by OTLP: decoded with the official protobuf definitions, and as it came.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import root from "@opentelemetry/otlp-transformer/build/src/generated/root.js";

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: ReadonlyArray<Attribute>;
  readonly links?: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>;
  readonly events?: ReadonlyArray<{
    readonly name: string;
    readonly attributes: ReadonlyArray<Attribute>;
  }>;
  readonly status?: { readonly code?: string; readonly message?: string };
}

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly kind: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>;
  readonly exceptions: ReadonlyArray<string>;
  readonly status: string;
}

interface LogRecord {
  readonly traceId: string | null;
  readonly spanId: string | null;
  readonly severity: string;
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Collector {
  readonly url: string;
  readonly spans: () => ReadonlyArray<Span>;
  readonly logs: () => ReadonlyArray<LogRecord>;
  /** Names of metrics, with the attributes of each of their series. */
  readonly metrics: () => ReadonlyMap<string, ReadonlyArray<Readonly<Record<string, unknown>>>>;
  readonly resources: () => ReadonlyArray<Readonly<Record<string, unknown>>>;
  /** Every byte that came, headers too, as one Latin-1 text. */
  readonly bytes: () => string;
  readonly requests: () => ReadonlyArray<{ readonly path: string; readonly type: string }>;
  readonly close: () => Promise<void>;
}

interface Message {
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly fromObject: (json: unknown) => unknown;
  readonly toObject: (message: unknown, options: unknown) => unknown;
}

type Service = Readonly<Record<string, { readonly v1: Readonly<Record<string, Message>> }>>;
const services = (
  root as unknown as {
    readonly opentelemetry: { readonly proto: { readonly collector: Service } };
  }
).opentelemetry.proto.collector;

const messages: Readonly<Record<string, Message>> = {
  "/v1/traces": services["trace"]!.v1["ExportTraceServiceRequest"]!,
  "/v1/metrics": services["metrics"]!.v1["ExportMetricsServiceRequest"]!,
  "/v1/logs": services["logs"]!.v1["ExportLogsServiceRequest"]!,
};

interface Received {
  readonly path: string;
  readonly type: string;
  readonly head: string;
  readonly body: Buffer;
}

/** Answers each request with `status`; with nothing it never answers. */
export const openCollector = async (status: number | null = 200): Promise<Collector> => {
  const received: Array<Received> = [];
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({
        path: request.url ?? "",
        type: request.headers["content-type"] ?? "",
        head: request.rawHeaders.join("\n"),
        body: Buffer.concat(chunks),
      });
      if (status !== null) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const decoded = (path: string): ReadonlyArray<Record<string, unknown>> =>
    received.filter((one) => one.path === path).map(decode);
  const scopes = (path: string, resources: string, scope: string) =>
    decoded(path)
      .flatMap((one) => listOf(one[resources]))
      .flatMap((one) => listOf(one[scope]));
  return {
    url: `http://127.0.0.1:${port}`,
    spans: () =>
      scopes("/v1/traces", "resourceSpans", "scopeSpans")
        .flatMap((scope) => listOf(scope["spans"]) as unknown as ReadonlyArray<WireSpan>)
        .map(spanOf),
    logs: () =>
      scopes("/v1/logs", "resourceLogs", "scopeLogs")
        .flatMap((scope) => listOf(scope["logRecords"]))
        .map(logOf),
    metrics: () =>
      new Map(
        scopes("/v1/metrics", "resourceMetrics", "scopeMetrics")
          .flatMap((scope) => listOf(scope["metrics"]))
          .map((metric) => [String(metric["name"]), pointsOf(metric)]),
      ),
    resources: () =>
      ["/v1/traces", "/v1/metrics", "/v1/logs"]
        .flatMap(decoded)
        .flatMap((one) => Object.values(one).flatMap(listOf))
        .map((one) => attributesOf((one["resource"] as Record<string, unknown>)["attributes"])),
    bytes: () => received.map(({ head, body }) => `${head}\n${body.toString("latin1")}`).join("\n"),
    requests: () => received.map(({ path, type }) => ({ path, type })),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** JSON comes as the definitions spell it, but for identifiers, which it writes in hex. */
const decode = ({ path, type, body }: Received): Record<string, unknown> => {
  const message = messages[path];
  if (message === undefined) throw new Error(`nothing is sent to ${path}`);
  if (type === "application/json") return JSON.parse(body.toString("utf8")) as never;
  const plain = message.toObject(message.decode(body), { longs: String, enums: String });
  return plain as Record<string, unknown>;
};

const listOf = (value: unknown): ReadonlyArray<Record<string, unknown>> =>
  (value ?? []) as ReadonlyArray<Record<string, unknown>>;

const hexOf = (id: unknown): string | null => {
  if (id === undefined || id === null || id === "") return null;
  const hex = typeof id === "string" ? id : Buffer.from(id as Uint8Array).toString("hex");
  return hex === "" ? null : hex;
};

const attributesOf = (list: unknown): Record<string, unknown> =>
  Object.fromEntries(
    (listOf(list) as unknown as ReadonlyArray<Attribute>).map(({ key, value }) => [
      key,
      Object.values(value)[0],
    ]),
  );

const spanOf = (span: WireSpan): Span => ({
  traceId: hexOf(span.traceId) ?? "",
  spanId: hexOf(span.spanId) ?? "",
  parentId: hexOf(span.parentSpanId),
  name: span.name,
  kind: span.kind,
  start: BigInt(span.startTimeUnixNano),
  end: BigInt(span.endTimeUnixNano),
  attributes: attributesOf(span.attributes),
  links: (span.links ?? []).map((link) => ({
    traceId: hexOf(link.traceId) ?? "",
    spanId: hexOf(link.spanId) ?? "",
  })),
  exceptions: (span.events ?? [])
    .filter(({ name }) => name === "exception")
    .map((event) => String(attributesOf(event.attributes)["exception.message"])),
  status: span.status?.code ?? "STATUS_CODE_UNSET",
});

const logOf = (record: Record<string, unknown>): LogRecord => ({
  traceId: hexOf(record["traceId"]),
  spanId: hexOf(record["spanId"]),
  severity: String(record["severityText"]),
  body: Object.values(record["body"] ?? {})[0],
  attributes: attributesOf(record["attributes"]),
});

const pointsOf = (metric: Record<string, unknown>): ReadonlyArray<Record<string, unknown>> =>
  ["sum", "gauge", "histogram", "summary"]
    .flatMap((sort) =>
      listOf((metric[sort] as Record<string, unknown> | undefined)?.["dataPoints"]),
    )
    .map((point) => attributesOf(point["attributes"]));
