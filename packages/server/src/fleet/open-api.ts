// Describes the endpoints as OpenAPI 3.0, from the same schemas that read and write the bodies.

import * as JsonSchema from "effect/JsonSchema";
import * as Schema from "effect/Schema";
import {
  FleetAnswer,
  FleetControlStatus,
  FleetMetrics,
  RestartRequest,
  ScaleRequest,
} from "@muster/sdk/fleet-contract";
import type { Endpoint } from "./endpoints.ts";
import { type ErrorReason, FleetError, statusOf } from "./reply.ts";

/** Schemas that have a name in the document; others stand where they are used. */
const named: ReadonlyMap<Schema.Top, string> = new Map<Schema.Top, string>([
  [FleetMetrics, "FleetMetrics"],
  [FleetControlStatus, "FleetControlStatus"],
  [FleetAnswer, "FleetAnswer"],
  [FleetError, "FleetError"],
  [ScaleRequest, "ScaleRequest"],
  [RestartRequest, "RestartRequest"],
]);

/** In a request a field that is not named is refused. */
const closed: ReadonlySet<Schema.Top> = new Set<Schema.Top>([ScaleRequest, RestartRequest]);

/** What may come in place of any answer; only what is read has to come within a time. */
const anywhere = (endpoint: Endpoint): ReadonlyArray<ErrorReason> => [
  ...(["UnknownHost", "ForeignOrigin", "Internal"] as const),
  ...(endpoint._tag === "Reading" ? (["TimedOut"] as const) : []),
];

/** The document. Throws when a schema has no place in OpenAPI 3.0, which is a fault of muster. */
export const describeEndpoints = (endpoints: ReadonlyArray<Endpoint>): object => ({
  openapi: "3.0.3",
  info: {
    title: "muster fleet daemon",
    description: "Watches one fleet, and changes it for who holds the daemon's token.",
    version: "0.1.0",
  },
  servers: [{ url: "/" }],
  paths: Object.fromEntries(
    endpoints.map((endpoint) => [
      endpoint.path,
      { [endpoint._tag === "Mutation" ? "post" : "get"]: operationOf(endpoint) },
    ]),
  ),
  components: {
    schemas: Object.fromEntries(
      [...named].map(([schema, name]) => [name, converted(schema, closed.has(schema))]),
    ),
    securitySchemes: {
      token: { type: "http", scheme: "bearer", description: "From the daemon's token file." },
    },
  },
});

const operationOf = (endpoint: Endpoint): object => ({
  operationId: endpoint.path.replaceAll(/[^a-z]+/gu, "-").replaceAll(/^-|-$/gu, "") || "page",
  summary: endpoint.summary,
  ...(endpoint._tag === "Mutation"
    ? {
        security: [{ token: [] }],
        requestBody: {
          required: endpoint.needsBody,
          content: { "application/json": { schema: schemaOf(endpoint.body, true) } },
        },
      }
    : {}),
  responses: {
    200: {
      description: "OK",
      content: Object.fromEntries(
        Object.entries(endpoint.answers).map(([type, schema]) => [
          type,
          { schema: schemaOf(schema, false) },
        ]),
      ),
    },
    ...refusalsOf([...endpoint.refusals, ...anywhere(endpoint)]),
  },
});

const refusalsOf = (reasons: ReadonlyArray<ErrorReason>): object => {
  const byStatus = Map.groupBy(reasons, (reason) => statusOf[reason]);
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => [
      status,
      {
        description: some.join(", "),
        content: { "application/json": { schema: schemaOf(FleetError, false) } },
      },
    ]),
  );
};

const schemaOf = (schema: Schema.Top, isClosed: boolean): object => {
  const name = named.get(schema);
  return name === undefined
    ? converted(schema, isClosed)
    : { $ref: `#/components/schemas/${name}` };
};

type Json =
  | null
  | boolean
  | number
  | string
  | ReadonlyArray<Json>
  | { readonly [key: string]: Json };

const converted = (schema: Schema.Top, isClosed: boolean): object => {
  const document = JsonSchema.toDocumentDraft04(
    Schema.toJsonSchemaDocument(schema, { onExcessProperty: isClosed ? "error" : "ignore" }),
  );
  if (Object.keys(document.definitions).length > 0) {
    throw new Error(`definitions without a place: ${Object.keys(document.definitions).join(", ")}`);
  }
  return adapt(document.schema as Json) as object;
};

/** OpenAPI 3.0 is draft 4 but for null, which it has no type for. */
const adapt = (schema: Json): Json => {
  if (schema === null || typeof schema !== "object") return schema;
  if (isList(schema)) return schema.map(adapt);
  const { anyOf, ...others } = schema;
  if (isList(anyOf) && anyOf.some(isNull)) {
    const rest = anyOf.filter((one) => !isNull(one));
    if (rest.length === 1)
      return { ...(adapt({ ...others, ...(rest[0] as object) }) as object), nullable: true };
  }
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) => adaptEntry(key, value, schema["type"])),
  );
};

const adaptEntry = (key: string, value: Json, type: Json | undefined): Array<[string, Json]> => {
  if (key === "additionalProperties" && isObject(value)) {
    return "not" in value ? [[key, false]] : [];
  }
  // The bounds of what a double holds exactly bind nobody.
  if (
    type === "integer" &&
    (value === Number.MIN_SAFE_INTEGER || value === Number.MAX_SAFE_INTEGER)
  ) {
    return [];
  }
  return [[key, adapt(value)]];
};

const isList = (value: Json | undefined): value is ReadonlyArray<Json> => Array.isArray(value);
const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  value !== null && typeof value === "object" && !isList(value);
const isNull = (value: Json): boolean => isObject(value) && value["type"] === "null";
