// Looks whether muster can call OCI as each document asks: files, keys, sessions, endpoint, clock, one real call.

import { stat } from "node:fs/promises";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import {
  clockFinding,
  failedFinding,
  type Finding,
  okFinding,
  unknownFinding,
  warningFinding,
} from "@muster/core/words/finding";
import type { ExamineRequest } from "@muster/core/words/kind";
import type { ProviderError, ProviderReason } from "@muster/core/words/provider";
import { shellWord } from "@muster/core/words/quote";
import { entriesOf, parseConfig } from "./config-file.ts";
import { type ConnectionOptions, type Connections, makeConnections } from "./connections.ts";
import {
  type Account,
  chooseAccount,
  expandPath,
  readSmallFile,
  readUserCredentials,
} from "./credentials.ts";
import { readScope, type ScopeAuth } from "./scope.ts";
import { endOfToken } from "./session.ts";

/** As whom documents would call, and a compartment that one of them names. */
interface Caller {
  readonly auth: ScopeAuth;
  readonly compartmentId: string | null;
}

/** Never fails. Every account is looked at once, however many documents name it. */
export const examineOci = (
  options: ConnectionOptions,
  request: ExamineRequest,
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.scoped(
    Effect.gen(function* () {
      const connections = yield* makeConnections(options);
      const { callers, faults } = yield* callersOf(options, request);
      if (callers.length === 0 && faults.length === 0) return [nobody];
      const found = yield* Effect.forEach(callers, (caller) =>
        examineCaller({ options, connections, online: request.online }, caller),
      );
      return [...faults, ...found.flat()];
    }),
  );

const nobody = unknownFinding(
  "credentials",
  "no document and no operator's profile says as whom OCI is called",
  "name the documents with --file, or the profiles that they may use with --allow-profile",
);

const callersOf = Effect.fnUntraced(function* (
  options: ConnectionOptions,
  { expansions }: ExamineRequest,
) {
  const callers = new Map<string, Caller>();
  const faults: Array<Finding> = [];
  for (const expansion of expansions) {
    const scope = yield* Effect.result(readScope(expansion));
    if (Result.isFailure(scope)) {
      faults.push(failure("credentials", scope.failure));
      continue;
    }
    const { auth, compartmentId } = scope.success;
    const key = JSON.stringify([auth.method, auth.configFile, auth.profile, auth.region]);
    if (!callers.has(key)) callers.set(key, { auth, compartmentId });
  }
  if (expansions.length > 0) return { callers: [...callers.values()], faults };
  const usual: ReadonlyArray<ScopeAuth> = options.allowDocumentCredentials
    ? [{ method: "user" }]
    : options.profiles.map(({ name }) => ({ method: "user", profile: name }));
  return { callers: usual.map((auth) => ({ auth, compartmentId: null })), faults };
});

interface Examination {
  readonly options: ConnectionOptions;
  readonly connections: Connections;
  readonly online: boolean;
}

const examineCaller = Effect.fnUntraced(function* (
  examination: Examination,
  caller: Caller,
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const chosen = yield* Effect.result(chooseAccount(caller.auth, examination.options));
  if (Result.isFailure(chosen)) return [failure("credentials", chosen.failure)];
  const account = chosen.success;
  if (account.method === "instance") {
    return yield* examineCalls(examination, caller, "the instance", account.region);
  }
  const name = `profile ${account.profile}`;
  const { env } = examination.options;
  const credentials = yield* Effect.result(readUserCredentials(account, env));
  const files = yield* examineFiles(account, env);
  if (Result.isFailure(credentials)) {
    return [
      failure(`credentials of ${name}`, credentials.failure),
      ...files,
      unknownFinding(`call as ${name}`, "nothing can be asked without credentials"),
    ];
  }
  const { region, sessionTokenFile } = credentials.success;
  return [
    okFinding(
      `credentials of ${name}`,
      `${account.configFile}: the key opens, and its fingerprint is the one that the profile names`,
    ),
    ...files,
    ...(sessionTokenFile === null ? [] : [yield* examineSession(name, sessionTokenFile)]),
    ...(yield* examineCalls(examination, caller, name, region)),
  ];
});

/** Who else on this machine could read what signs our requests. */
const examineFiles = Effect.fnUntraced(function* (
  account: Extract<Account, { readonly method: "user" }>,
  env: ConnectionOptions["env"],
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const text = yield* Effect.result(
    readSmallFile(account.configFile, { what: account.configFile, remedy: "" }),
  );
  if (Result.isFailure(text)) return [];
  const entries = entriesOf(parseConfig(text.success), account.profile);
  const named = ["key_file", "security_token_file"].flatMap((key) => {
    const entry = entries?.get(key);
    return entry === undefined ? [] : [expandPath(entry.value, env)];
  });
  return yield* Effect.forEach([account.configFile, ...named], examineMode);
});

const examineMode = (file: string): Effect.Effect<Finding> =>
  Effect.promise(async () => {
    const check = `permissions of ${file}`;
    const mode = await stat(file).then(
      (found) => found.mode & 0o777,
      () => null,
    );
    if (mode === null) return unknownFinding(check, "it cannot be looked at");
    return (mode & 0o077) === 0
      ? okFinding(check, "only its user can read it")
      : warningFinding(
          check,
          `others of this machine can open it (mode ${mode.toString(8)})`,
          `chmod 600 ${shellWord(file)}`,
        );
  });

/** A session that ends sooner, in milliseconds, is worth a word. */
const soonMillis = 900_000;

const examineSession = Effect.fnUntraced(function* (
  name: string,
  file: string,
): Effect.fn.Return<Finding> {
  const check = `session of ${name}`;
  const remedy =
    "log in again with `oci session authenticate`, or refresh it with `oci session refresh`";
  const token = yield* Effect.result(
    readSmallFile(file, { what: `the session token ${file}`, remedy }),
  );
  if (Result.isFailure(token)) return failure(check, token.failure);
  const end = endOfToken(token.success.trim());
  if (end === undefined) return failedFinding(check, "input", `${file} holds no token`, remedy);
  const left = end - (yield* Clock.currentTimeMillis);
  const told = new Date(end).toISOString();
  if (left <= 0) return failedFinding(check, "input", `it ended at ${told}`, remedy);
  return left <= soonMillis
    ? warningFinding(check, `it ends at ${told}`, remedy)
    : okFinding(check, `it is good until ${told}`);
});

const examineCalls = Effect.fnUntraced(function* (
  { options, connections, online }: Examination,
  { auth, compartmentId }: Caller,
  name: string,
  region: string | null,
): Effect.fn.Return<ReadonlyArray<Finding>> {
  if (!online) {
    return [unknownFinding(`call as ${name}`, "nothing was asked, as --offline says")];
  }
  const address = yield* addressOf(options, region);
  const host = address === null ? [] : yield* examineHost(address);
  const called = yield* connections.connect(auth).pipe(
    Effect.flatMap(({ api }) =>
      Effect.map(api.listAvailabilityDomains(compartmentId ?? api.tenancyId), (domains) => ({
        region: api.region,
        count: domains.length,
      })),
    ),
    Effect.result,
  );
  return [...host, callFinding(`call as ${name}`, called)];
});

const callFinding = (
  check: string,
  called: Result.Result<{ readonly region: string; readonly count: number }, ProviderError>,
): Finding => {
  if (Result.isFailure(called)) return failure(check, called.failure);
  const { region, count } = called.success;
  return count === 0
    ? warningFinding(
        check,
        `${region} answered, and named no availability domain`,
        "check the compartment that the documents name, and the policies of this user",
      )
    : okFinding(check, `${region} answered: ${count} availability domains`);
};

/** The same for all: what a provider's reason means to who set muster up. */
const failure = (check: string, { reason, message, remedy }: ProviderError): Finding =>
  reason === "Throttled"
    ? warningFinding(check, message, remedy ?? "wait, and look again")
    : failedFinding(
        check,
        reason === "Denied" || reason === "Invalid" ? "input" : "infrastructure",
        message,
        remedy ?? usualRemedies[reason] ?? null,
      );

/** For what providers fail with at any time, and where a run would only try again. */
const usualRemedies: Partial<Record<ProviderReason, string>> = {
  Unreachable:
    "check network, name service, proxy and firewall of this machine, and the region or MUSTER_OCI_ENDPOINT; then look again",
  Conflict: "look again",
  Exhausted: "look again later, or ask for a higher limit",
};

const addressOf = (
  options: ConnectionOptions,
  region: string | null,
): Effect.Effect<string | null> =>
  options.endpoint !== null || region === null
    ? Effect.succeed(options.endpoint)
    : Effect.promise(async () => (await import("./client.ts")).identityAddress(region));

const hostTimeoutMillis = 5_000;

/** Asks without a signature: any answer shows that the host is there, and tells its time. */
const examineHost = Effect.fnUntraced(function* (
  address: string,
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const check = "clock of the provider";
  const answer = yield* Effect.promise(async (signal) => {
    try {
      const { headers } = await fetch(address, {
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(hostTimeoutMillis)]),
      });
      return { date: Date.parse(headers.get("date") ?? "") };
    } catch {
      return null;
    }
  });
  if (answer === null) {
    return [
      failedFinding(
        "endpoint",
        "infrastructure",
        `${address} did not answer`,
        "check network, name service and firewall of this machine, and the region or MUSTER_OCI_ENDPOINT",
      ),
      unknownFinding(check, "the endpoint did not answer"),
    ];
  }
  const now = yield* Clock.currentTimeMillis;
  return [
    okFinding("endpoint", `${address} answers`),
    Number.isNaN(answer.date)
      ? unknownFinding(check, "it told no time")
      : // A Date header tells whole seconds.
        clockFinding(check, answer.date + 500 - now),
  ];
});
