// Looks at one account from the file to the first calls, and stops where the first fault explains the rest.

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
import type { ProviderError } from "@muster/core/words/provider";
import { escapeText, shellWord } from "@muster/core/words/quote";
import type { AuthDetails, AuthSubject } from "./auth-report.ts";
import { entriesOf, parseConfig } from "./config-file.ts";
import type { AccountConnection, AccountConnections, ConnectionOptions } from "./connections.ts";
import {
  type Account,
  chooseAccount,
  type CredentialStep,
  expandPath,
  readSmallFile,
  readUserCredentials,
} from "./credentials.ts";
import {
  type CallFailure,
  federationRefused,
  isForbidden,
  providerErrorOf,
  readFailure,
  readMetadata,
  sessionEnded,
} from "./errors.ts";
import type { ScopeAuth } from "./scope.ts";
import { endOfToken } from "./session.ts";
import { CallFailed, failureOfNetwork } from "./transport.ts";

/** A finding that also says which part of the way into OCI it is about. */
export interface AuthLook extends Finding {
  readonly what: AuthSubject;
}

export interface Inspection {
  readonly details: AuthDetails | null;
  readonly looks: ReadonlyArray<AuthLook>;
}

/** As whom a document would call, and a compartment that it names. */
export interface Caller {
  readonly auth: ScopeAuth;
  readonly compartmentId: string | null;
}

export interface InspectionOptions {
  readonly options: ConnectionOptions;
  readonly connections: AccountConnections;
  /** Whether requests may be sent; otherwise what needs them is `unknown`. */
  readonly online: boolean;
  /** `call`: one call. `whole`: the regions, too, and whether instances may be listed. */
  readonly depth: "call" | "whole";
}

/** Never fails, and sends nothing that changes anything. */
export const inspectAuth = Effect.fnUntraced(function* (
  inspection: InspectionOptions,
  caller: Caller,
): Effect.fn.Return<Inspection> {
  const chosen = yield* Effect.result(chooseAccount(caller.auth, inspection.options));
  if (Result.isFailure(chosen)) {
    return { details: null, looks: [credentialLook("credentials", chosen.failure)] };
  }
  return chosen.success.method === "instance"
    ? yield* inspectInstance(inspection, caller, chosen.success.region)
    : yield* inspectUser(inspection, caller, chosen.success);
});

const inspectInstance = Effect.fnUntraced(function* (
  inspection: InspectionOptions,
  caller: Caller,
  region: string | null,
): Effect.fn.Return<Inspection> {
  const name = "the instance";
  const details: AuthDetails = {
    ...nothingKnown,
    method: "instance",
    account: "the instance that muster runs on",
    region,
  };
  return yield* inspectOnline(inspection, caller, { name, isSession: false, details });
});

const inspectUser = Effect.fnUntraced(function* (
  inspection: InspectionOptions,
  caller: Caller,
  account: UserAccount,
): Effect.fn.Return<Inspection> {
  const name = `profile ${account.profile}`;
  const details: AuthDetails = {
    ...nothingKnown,
    method: "user",
    account: `${name} of ${account.configFile}`,
    region: account.region,
  };
  const { env } = inspection.options;
  const credentials = yield* Effect.result(readUserCredentials(account, env));
  const files = yield* inspectFiles(account, env);
  if (Result.isFailure(credentials)) {
    return {
      details,
      looks: [
        credentialLook(`credentials of ${name}`, credentials.failure),
        ...files,
        about(
          "configuration",
          unknownFinding(`call as ${name}`, "nothing can be asked without credentials"),
        ),
      ],
    };
  }
  const { region, tenancyId, userId, sessionTokenFile } = credentials.success;
  const session = sessionTokenFile === null ? [] : [yield* inspectSession(name, sessionTokenFile)];
  const local: ReadonlyArray<AuthLook> = [
    about(
      "key",
      okFinding(
        `credentials of ${name}`,
        `${account.configFile}: the key opens, and its fingerprint is the one that the profile names`,
      ),
    ),
    ...files,
    ...session,
  ];
  const known = { ...details, region, tenancyId, userId };
  if (session.some(hasFailed)) {
    const unasked = about("session", unknownFinding(`call as ${name}`, "the session cannot sign"));
    return { details: known, looks: [...local, unasked] };
  }
  const online = yield* inspectOnline(inspection, caller, {
    name,
    isSession: sessionTokenFile !== null,
    details: known,
  });
  return { ...online, looks: [...local, ...online.looks] };
});

type UserAccount = Extract<Account, { readonly method: "user" }>;

const nothingKnown = {
  region: null,
  tenancyId: null,
  userId: null,
  subscribedRegions: null,
  regionsCount: null,
} as const;

const about = (what: AuthSubject, finding: Finding): AuthLook => ({ ...finding, what });

const hasFailed = ({ verdict }: Finding): boolean => verdict === "failed";

/** Who else on this machine could read what signs our requests. */
const inspectFiles = Effect.fnUntraced(function* (
  account: UserAccount,
  env: ConnectionOptions["env"],
): Effect.fn.Return<ReadonlyArray<AuthLook>> {
  const { configFile } = account;
  const text = yield* Effect.result(
    readSmallFile(configFile, { step: "ReadConfigFile", what: configFile, remedy: "" }),
  );
  if (Result.isFailure(text)) return [];
  const entries = entriesOf(parseConfig(text.success), account.profile);
  const named = ["key_file", "security_token_file"].flatMap((key) => {
    const entry = entries?.get(key);
    return entry === undefined ? [] : [expandPath(entry.value, env)];
  });
  return yield* Effect.forEach([configFile, ...named], inspectMode);
});

const inspectMode = (file: string): Effect.Effect<AuthLook> =>
  Effect.promise(async () => {
    const check = `permissions of ${file}`;
    const mode = await stat(file).then(
      (found) => found.mode & 0o777,
      () => null,
    );
    if (mode === null) return about("permissions", unknownFinding(check, "it cannot be looked at"));
    return about(
      "permissions",
      (mode & 0o077) === 0
        ? okFinding(check, "only its user can read it")
        : warningFinding(
            check,
            `others of this machine can open it (mode ${mode.toString(8)})`,
            `chmod 600 ${shellWord(file)}`,
          ),
    );
  });

/** A session that ends sooner, in milliseconds, is worth a word. */
const soonMillis = 900_000;

const sessionRemedy =
  "log in again with `oci session authenticate`, or refresh it with `oci session refresh` while " +
  "it lasts";

const inspectSession = Effect.fnUntraced(function* (
  name: string,
  file: string,
): Effect.fn.Return<AuthLook> {
  const check = `session of ${name}`;
  const token = yield* Effect.result(
    readSmallFile(file, {
      step: "ReadFile",
      what: `the session token ${file}`,
      remedy: sessionRemedy,
    }),
  );
  if (Result.isFailure(token)) return about("session", failure(check, token.failure));
  const end = endOfToken(token.success.trim());
  if (end === undefined) {
    return about("session", failedFinding(check, "input", `${file} holds no token`, sessionRemedy));
  }
  const left = end - (yield* Clock.currentTimeMillis);
  const told = new Date(end).toISOString();
  if (left <= 0) {
    return about("session", failedFinding(check, "input", `it ended at ${told}`, sessionRemedy));
  }
  return about(
    "session",
    left <= soonMillis
      ? warningFinding(check, `it ends at ${told}`, sessionRemedy)
      : okFinding(check, `it is good until ${told}`),
  );
});

interface Known {
  /** For people, such as `profile DEFAULT`. */
  readonly name: string;
  readonly isSession: boolean;
  readonly details: AuthDetails;
}

const inspectOnline = Effect.fnUntraced(function* (
  inspection: InspectionOptions,
  caller: Caller,
  known: Known,
): Effect.fn.Return<Inspection> {
  const { details } = known;
  const check = `call as ${known.name}`;
  if (!inspection.online) {
    const unasked = unknownFinding(check, "nothing was asked, as --offline says");
    return { details, looks: [about("network", unasked)] };
  }
  const opened = yield* Effect.result(inspection.connections.connect(caller.auth));
  if (Result.isFailure(opened)) {
    return { details, looks: [credentialLook(check, opened.failure)] };
  }
  const { api, account } = opened.success;
  const found = {
    ...details,
    region: api.region,
    tenancyId: api.tenancyId,
    userId: account.userId,
  };
  const host = yield* inspectHost(inspection.options, api.region);
  if (host.some(hasFailed)) {
    const unasked = unknownFinding(check, "it would end in the same fault");
    return { details: found, looks: [...host, about("network", unasked)] };
  }
  const calls = yield* inspectCalls(
    inspection,
    caller,
    { ...known, details: found },
    opened.success,
  );
  return { ...calls, looks: [...host, ...calls.looks] };
});

const inspectCalls = Effect.fnUntraced(function* (
  { depth }: InspectionOptions,
  { compartmentId }: Caller,
  known: Known,
  { api, account: { calls } }: AccountConnection,
): Effect.fn.Return<Inspection> {
  const { details } = known;
  const check = `call as ${known.name}`;
  const compartment = compartmentId ?? api.tenancyId;
  const refused = (operation: string, failed: CallFailure, permission: Permission): AuthLook =>
    callLook(check, { operation, region: api.region, account: api.account }, failed, {
      ...known,
      permission,
    });
  const domains = yield* Effect.result(calls.availabilityDomains(compartment));
  const domainsLook = Result.isFailure(domains)
    ? refused("ListAvailabilityDomains", domains.failure, inspectCompartments(compartment))
    : domainsFound(check, api.region, domains.success.length);
  if (depth === "call" || (Result.isFailure(domains) && !isForbidden(domains.failure))) {
    return { details, looks: [domainsLook] };
  }
  const subscribed = yield* Effect.result(calls.subscribedRegions);
  const regions = yield* Effect.result(calls.regions);
  const instances =
    compartmentId === null
      ? Result.succeed(undefined)
      : yield* Effect.result(calls.touchInstances(compartmentId));
  const looks: ReadonlyArray<AuthLook> = [
    domainsLook,
    ...(Result.isFailure(instances)
      ? [refused("ListInstances", instances.failure, manageInstances(compartment))]
      : []),
    ...(Result.isFailure(subscribed)
      ? [asWarning(refused("ListRegionSubscriptions", subscribed.failure, inspectTenancies))]
      : subscriptionLooks(api.region, subscribed.success)),
  ];
  return {
    details: {
      ...details,
      subscribedRegions: Result.isFailure(subscribed) ? null : subscribed.success.toSorted(),
      regionsCount: Result.isFailure(regions) ? null : regions.success.length,
    },
    looks,
  };
});

const domainsFound = (check: string, region: string, count: number): AuthLook =>
  about(
    "policy",
    count === 0
      ? warningFinding(
          check,
          `${region} answered, and named no availability domain`,
          "check the compartment that the documents name, and the policies of this user",
        )
      : okFinding(check, `${region} answered: ${count} availability domains`),
  );

const subscriptionLooks = (
  region: string,
  subscribed: ReadonlyArray<string>,
): ReadonlyArray<AuthLook> =>
  subscribed.includes(region)
    ? []
    : [
        about(
          "region",
          failedFinding(
            `region ${region}`,
            "input",
            `the tenancy is not subscribed to ${region}, only to ${subscribed.join(", ")}`,
            "name one of these in spec.auth.region, OCI_REGION or the config file, or subscribe " +
              "the tenancy to the region in the console",
          ),
        ),
      ];

/** A statement of a policy without its subject. */
type Permission = string;

const inspectTenancies: Permission = "inspect tenancies in tenancy";
const inspectCompartments = (id: string): Permission => `inspect compartments in ${placeOf(id)}`;
const manageInstances = (id: string): Permission => `manage instance-family in ${placeOf(id)}`;

const placeOf = (id: string): string =>
  id.startsWith("ocid1.tenancy.") ? "tenancy" : `compartment id ${id}`;

interface Refused {
  readonly details: AuthDetails;
  readonly isSession: boolean;
  readonly permission: Permission;
}

/** What a failed call says of the account, when host and clock are known to be right. */
const callLook = (
  check: string,
  context: { readonly operation: string; readonly region: string; readonly account: string },
  failed: CallFailure,
  refused: Refused,
): AuthLook => {
  const error = providerErrorOf(context, failed);
  if (isForbidden(failed)) {
    return about("policy", failedFinding(check, "input", error.message, policyRemedy(refused)));
  }
  if (failed.code === sessionEnded) return about("session", failure(check, error));
  if (failed.code === federationRefused) return about("instance", failure(check, error));
  if (failed.status === 401) return refusedSignature(check, error, refused);
  return about(failed.status === null ? "network" : "service", failure(check, error));
};

const policyRemedy = ({ details, permission }: Refused): string => {
  const subject = details.method === "user" ? "group GROUP" : "dynamic-group DYNAMIC-GROUP";
  const whose = details.method === "user" ? "a group of this user" : "one that holds this instance";
  return (
    `the signature is accepted, so a policy is missing, or the identifier or the region is wrong. ` +
    `Statement: \`Allow ${subject} to ${permission}\`, where ${subject.split(" ")[1]} is ${whose}`
  );
};

const refusedSignature = (
  check: string,
  { message }: ProviderError,
  { details, isSession }: Refused,
): AuthLook => {
  const failed = (what: AuthSubject, remedy: string): AuthLook =>
    about(what, failedFinding(check, "input", message, remedy));
  if (isSession) {
    return failed("session", `OCI takes the session's token no more: ${sessionRemedy}`);
  }
  if (details.method === "instance") {
    return failed(
      "instance",
      "the token that OCI gave this instance is refused, a new one, too: see whether the " +
        `instance's tenancy is subscribed to ${details.region}, and look again in a minute`,
    );
  }
  return failed(
    "key",
    "this machine's clock is right and the key fits its fingerprint, so OCI does not know the key: " +
      `upload its public key for ${details.userId} (console: My profile, API keys), or correct ` +
      `user and tenancy of ${details.account}; a tenancy that is not subscribed to ` +
      `${details.region} looks the same`,
  );
};

const asWarning = (look: AuthLook): AuthLook =>
  about(look.what, warningFinding(look.check, look.message, look.remedy ?? "look again later"));

const subjects: Readonly<Record<string, AuthSubject>> = {
  ChooseAccount: "consent",
  ReadConfigFile: "configuration",
  ReadRegion: "region",
  ReadPrivateKey: "key",
  CompareFingerprint: "fingerprint",
  ReadFile: "configuration",
  [readMetadata]: "instance",
} satisfies Readonly<Record<CredentialStep, AuthSubject>> & Readonly<Record<string, AuthSubject>>;

/** A fault that was found before anything was asked. */
export const credentialLook = (check: string, error: ProviderError): AuthLook =>
  about(subjects[error.operation] ?? "configuration", failure(check, error));

/** The same for all: what a provider's reason means to who set muster up. */
const failure = (check: string, { reason, message, remedy }: ProviderError): Finding =>
  reason === "Throttled"
    ? warningFinding(check, message, remedy ?? "wait, and look again")
    : failedFinding(
        check,
        reason === "Denied" || reason === "Invalid" ? "input" : "infrastructure",
        message,
        remedy ?? (reason === "Unreachable" ? networkRemedy : "look again later"),
      );

const networkRemedy =
  "check network, name service, proxy and firewall of this machine, and the region or " +
  "MUSTER_OCI_ENDPOINT; then look again";

/** Asks without a signature: any answer shows that the host is there, and tells its time. */
const inspectHost = Effect.fnUntraced(function* (
  { endpoint, timeoutMillis }: ConnectionOptions,
  region: string,
): Effect.fn.Return<ReadonlyArray<AuthLook>> {
  const { identityAddress, isKnownRegion } = yield* Effect.promise(() => import("./client.ts"));
  const address = endpoint ?? identityAddress(region);
  const check = "clock of the provider";
  const answer = yield* Effect.result(dateOf(address, timeoutMillis));
  if (Result.isFailure(answer)) {
    const isMisspelled =
      endpoint === null && isUnknownName(answer.failure) && !isKnownRegion(region);
    return [
      about(
        isMisspelled ? "region" : "network",
        failedFinding(
          "endpoint",
          "infrastructure",
          `${address} did not answer: ${silenceOf(answer.failure)}`,
          isMisspelled
            ? `${region} is no region that is known: correct spec.auth.region, OCI_REGION or the config file`
            : networkRemedy,
        ),
      ),
      about("clock", unknownFinding(check, "the endpoint did not answer")),
    ];
  }
  const now = yield* Clock.currentTimeMillis;
  return [
    about("network", okFinding("endpoint", `${address} answers`)),
    about(
      "clock",
      Number.isNaN(answer.success)
        ? unknownFinding(check, "it told no time")
        : // A Date header tells whole seconds.
          clockFinding(check, answer.success + 500 - now),
    ),
  ];
});

/** The time in the answer's header, in milliseconds since the epoch; NaN when it has none. */
const dateOf = (address: string, timeoutMillis: number): Effect.Effect<number, CallFailure> =>
  Effect.tryPromise({
    try: async (signal) => {
      const deadline = AbortSignal.timeout(timeoutMillis);
      try {
        const { headers } = await fetch(address, {
          redirect: "manual",
          signal: AbortSignal.any([signal, deadline]),
        });
        return Date.parse(headers.get("date") ?? "");
      } catch (thrown) {
        if (deadline.aborted) throw new CallFailed("", { timedOutAfterMillis: timeoutMillis });
        throw failureOfNetwork(thrown);
      }
    },
    catch: readFailure,
  });

const isUnknownName = ({ code }: CallFailure): boolean => code === "ENOTFOUND";

const silenceOf = (failed: CallFailure): string => {
  if (failed.timedOutAfterMillis !== null) {
    return `nothing came within ${failed.timedOutAfterMillis / 1_000} s`;
  }
  switch (failed.code) {
    case "ECONNREFUSED":
      return "the connection was refused";
    case "ENOTFOUND":
      return "no such host name";
    case "EAI_AGAIN":
      return "the name service of this machine does not answer";
    default:
      return escapeText(failed.message, 200);
  }
};
