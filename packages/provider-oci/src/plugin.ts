// Decides what an operator can set for OCI, and offers its kinds and resources to muster.

import * as Effect from "effect/Effect";
import { canonicalJson } from "@muster/core/words/canonical";
import { failedFinding } from "@muster/core/words/finding";
import { parseDuration } from "@muster/core/words/duration";
import type { Plugin } from "@muster/core/words/kind";
import { ProviderError } from "@muster/core/words/provider";
import { quote } from "@muster/core/words/quote";
import { makeRateLimiters } from "./rate-limit.ts";
import type { Expansion } from "@muster/core/words/set";
import type { AuthReport } from "./auth-report.ts";
import type { ConnectionOptions } from "./connections.ts";
import type { Env, OperatorProfile } from "./credentials.ts";
import { isMetadataHost, readEndpoint } from "./endpoint.ts";
import { FleetConfig, instancesResource } from "./fleet-config/kind.ts";

export interface OciOptions {
  /**
   * One base address for compute, network, identity and work requests: https, or http on this
   * machine. Default: `MUSTER_OCI_ENDPOINT`, else those of the region.
   */
  readonly endpoint?: string;
  /**
   * Where an instance asks for its certificate, such as `http://169.254.169.254/opc/v2/`. Default:
   * `MUSTER_OCI_METADATA_URL`, else that.
   */
  readonly metadataUrl?: string;
  /**
   * Where instances and sessions ask for tokens. Default: `MUSTER_OCI_FEDERATION_URL`, else the
   * endpoint, else the address of the region.
   */
  readonly federationUrl?: string;
  /** Default: `process.env`. */
  readonly env?: Env;
  /** The time that one call may take, in milliseconds. Default 15 000. */
  readonly timeoutMillis?: number;
  /**
   * The wait before the first look at an instance that was launched or terminated, in milliseconds,
   * from 50 to 30 000. Each further wait is longer by a quarter of the time that has passed, up to
   * ten times the first and to 30 s, and all are spread by a tenth up and down. Once it is known how
   * long such work takes, the looks gather where its end is expected. Default: `MUSTER_OCI_POLL`, a
   * duration such as `200ms`; else 500.
   */
  readonly pollMillis?: number;
  /**
   * How many requests an account sends in a second, in the long run; twice as many at once after a
   * rest. Default 20, and as many as there are at an http endpoint: that is on this machine.
   */
  readonly requestsPerSecond?: number;
  /** What documents may name in `spec.auth.profile` where they do not choose credentials. */
  readonly profiles?: ReadonlyArray<OperatorProfile>;
  /**
   * Whether documents may name config files and profiles of this machine by themselves, and act as
   * the machine itself. Default false: only `profiles` can be named. True is for documents of the
   * person at the command line, and never for those of a watched repository.
   */
  readonly allowDocumentCredentials?: boolean;
  /** Whether documents may act as the machine that muster runs on. Default `allowDocumentCredentials`. */
  readonly allowInstancePrincipal?: boolean;
}

/** Shorter than what a lease keeps in hand, so that no write outlives the lease it began under. */
const defaultTimeoutMillis = 15_000;

/** The OCI plugin. Its SDK is loaded when a handler makes its first call. */
export const oci = (options: OciOptions = {}): Plugin => {
  const connectionOptions = connectionOptionsOf(options);
  return {
    name: "oci",
    version: "0.1.0",
    kinds: [FleetConfig],
    resources: [instancesResource],
    handler: (asked) =>
      Effect.gen(function* () {
        if (asked !== instancesResource) {
          return yield* misconfigured(`there is no resource ${asked}`, instancesResource);
        }
        const connection = yield* connectionOptions;
        const { makeInstancesHandler } = yield* Effect.promise(() => import("./handler.ts"));
        return yield* makeInstancesHandler(connection);
      }),
    examine: (request) =>
      connectionOptions.pipe(
        Effect.flatMap((connection) =>
          Effect.flatMap(
            Effect.promise(() => import("./examine.ts")),
            ({ examineOci }) => examineOci(connection, request),
          ),
        ),
        Effect.catch(({ message, remedy = null }) =>
          Effect.succeed([failedFinding("oci configuration", "input", message, remedy)]),
        ),
      ),
  };
};

/**
 * Looks whether OCI lets a document in: its files, key, session, clock, region and policies. Sends
 * only requests that change nothing. Never fails, and shows no secret; ends within some time-outs.
 */
export const validateAuth = (
  options: OciOptions,
  expansion: Expansion,
): Effect.Effect<AuthReport> =>
  connectionOptionsOf(options).pipe(
    Effect.flatMap((connection) =>
      Effect.flatMap(
        Effect.promise(() => import("./validate-auth.ts")),
        ({ validateWith }) => validateWith(connection, expansion),
      ),
    ),
    Effect.catch(({ message, remedy = "correct it" }) =>
      Effect.succeed<AuthReport>({
        ok: false,
        details: null,
        findings: [{ what: "configuration", severity: "error", message, remedy }],
      }),
    ),
  );

const defaultRequestsPerSecond = 20;

/** Read anew each time; only how much an account has sent is kept from one to the next. */
const connectionOptionsOf = (
  options: OciOptions,
): Effect.Effect<ConnectionOptions, ProviderError> => {
  const limited = makeRateLimiters(options.requestsPerSecond ?? defaultRequestsPerSecond);
  const free = makeRateLimiters(options.requestsPerSecond ?? null);
  return Effect.gen(function* () {
    const env = options.env ?? process.env;
    const rate = options.requestsPerSecond;
    if (rate !== undefined && !(rate > 0 && Number.isFinite(rate))) {
      return yield* misconfigured(`requestsPerSecond is ${rate}`, "a number above 0");
    }
    const endpoint = yield* address(
      "MUSTER_OCI_ENDPOINT",
      options.endpoint ?? env["MUSTER_OCI_ENDPOINT"],
    );
    const pollMillis = yield* pollOf(options, env);
    const limiters = endpoint?.startsWith("http:") === true ? free : limited;
    return {
      env,
      profiles: options.profiles ?? [],
      allowDocumentCredentials: options.allowDocumentCredentials ?? false,
      allowInstancePrincipal:
        options.allowInstancePrincipal ?? options.allowDocumentCredentials ?? false,
      timeoutMillis: options.timeoutMillis ?? defaultTimeoutMillis,
      endpoint,
      ...(pollMillis === undefined ? {} : { pollMillis }),
      // OCI counts by user, whatever the region.
      limiterOf: (account) => limiters(canonicalJson({ ...account, region: null })),
      metadataUrl: yield* address(
        "MUSTER_OCI_METADATA_URL",
        options.metadataUrl ?? env["MUSTER_OCI_METADATA_URL"],
        isMetadataHost,
      ),
      federationUrl: yield* address(
        "MUSTER_OCI_FEDERATION_URL",
        options.federationUrl ?? env["MUSTER_OCI_FEDERATION_URL"],
      ),
    };
  });
};

/** Milliseconds. */
const pollBounds = { from: 50, to: 30_000 } as const;

const pollOf = (
  options: OciOptions,
  env: Env,
): Effect.Effect<number | undefined, ProviderError> => {
  const given = options.pollMillis;
  if (given !== undefined) {
    return isPoll(given)
      ? Effect.succeed(given)
      : Effect.fail(
          misconfigured(`pollMillis is ${given}`, "a number of milliseconds from 50 to 30000"),
        );
  }
  const text = env["MUSTER_OCI_POLL"];
  if (text === undefined || text === "") return Effect.succeed(undefined);
  const read = parseDuration(text);
  return read !== undefined && isPoll(read)
    ? Effect.succeed(read)
    : Effect.fail(
        misconfigured(
          `MUSTER_OCI_POLL is ${quote(text)}`,
          "a duration from 50ms to 30s, such as 200ms",
        ),
      );
};

const isPoll = (millis: number): boolean => millis >= pollBounds.from && millis <= pollBounds.to;

const address = (
  name: string,
  text: string | undefined,
  mayBePlain?: (host: string) => boolean,
): Effect.Effect<string | null, ProviderError> => {
  if (text === undefined || text === "") return Effect.succeed(null);
  const reading = readEndpoint(text, mayBePlain);
  return reading.ok
    ? Effect.succeed(reading.url)
    : Effect.fail(
        misconfigured(`the address in ${name} ${reading.summary}`, "https://HOST[:PORT]"),
      );
};

const misconfigured = (message: string, usable: string): ProviderError =>
  new ProviderError({
    reason: "Denied",
    operation: "ConfigurePlugin",
    message,
    remedy: `use ${usable}`,
  });
