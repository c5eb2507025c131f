// Reads the body of a request: JSON of a bounded size, as its schema says, or all that is wrong with it.

import type { IncomingMessage } from "node:http";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as SchemaIssue from "effect/SchemaIssue";
import { refusal, type Reply } from "./reply.ts";

/** Bytes of a body. */
export const bodyLimit = 16 * 1024;

/** The bytes of the body; fails with what to answer. */
export const readBody = (request: IncomingMessage): Effect.Effect<Buffer, Reply> =>
  Effect.callback<Buffer, Reply>((resume) => {
    if (Number(request.headers["content-length"] ?? 0) > bodyLimit) {
      return resume(Effect.fail(tooLarge));
    }
    const chunks: Array<Buffer> = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyLimit) return resume(Effect.fail(tooLarge));
      chunks.push(chunk);
    });
    request.once("end", () => resume(Effect.succeed(Buffer.concat(chunks))));
    request.once("error", () => resume(Effect.fail(brokenOff)));
    request.once("close", () => resume(Effect.fail(brokenOff)));
  });

const tooLarge = refusal(
  "TooLarge",
  `a body has at most ${bodyLimit} bytes`,
  "send only the fields that /openapi.json names",
);

const brokenOff = refusal("Invalid", "the body broke off", "send it again, whole");

/** Refuses a body of another type than JSON; none at all is for `decodeBody` to judge. */
export const refuseType = (request: IncomingMessage): Reply | null => {
  const type = request.headers["content-type"];
  if (!hasBody(request)) return null;
  return /^application\/json *(?:; *charset="?utf-8"? *)?$/iu.test(type ?? "")
    ? null
    : refusal(
        "WrongType",
        "a body has to be JSON, and say so",
        "send it with: Content-Type: application/json",
      );
};

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

/** An empty body stands for `{}`. */
export const decodeBody = <A>(
  schema: Schema.Decoder<A>,
  bytes: Buffer,
): Result.Result<A, Reply> => {
  return Result.flatMap(parse(bytes), (parsed) =>
    Schema.decodeUnknownResult(schema)(parsed, {
      errors: "all",
      onExcessProperty: "error",
    }).pipe(Result.mapError((error) => invalid(faultsOf(error.issue)))),
  );
};

const parse = (bytes: Buffer): Result.Result<unknown, Reply> => {
  if (bytes.length === 0) return Result.succeed({});
  return Result.try({
    try: () => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown,
    catch: () => invalid("it is no JSON"),
  });
};

const format = SchemaIssue.makeFormatterStandardSchemaV1();

const faultsOf = (issue: SchemaIssue.Issue): string =>
  format(issue)
    .issues.map(({ path = [], message }) => {
      const place = path.map((step) => String(typeof step === "object" ? step.key : step));
      return place.length === 0 ? message : `${place.join(".")}: ${message}`;
    })
    .join("; ");

const invalid = (what: string): Reply =>
  refusal("Invalid", `the body is wrong: ${what}`, "send what /openapi.json says of it");
