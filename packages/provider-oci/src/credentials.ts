// Decides as whom muster calls OCI, and finds the faults of the files that say so before any call.

import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve } from "node:path";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import { ProviderError } from "@muster/core/words/provider";
import { quote } from "@muster/core/words/quote";
import { defaultProfile, entriesOf, parseConfig, type ConfigEntry } from "./config-file.ts";
import { readPrivateKey } from "./private-key.ts";
import type { ScopeAuth } from "./scope.ts";

/** Environment variables, as `process.env` has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A profile that the operator lets documents name. */
export interface OperatorProfile {
  readonly name: string;
  /** Default: as without muster, `OCI_CLI_CONFIG_FILE` or `~/.oci/config`. */
  readonly configFile?: string;
  /** The profile within the file; default: the name. */
  readonly profile?: string;
}

export interface CredentialOptions {
  readonly env: Env;
  readonly profiles: ReadonlyArray<OperatorProfile>;
  /** Whether a document may name config files and profiles of this machine by itself. */
  readonly allowDocumentCredentials: boolean;
  /** Whether a document may act as the machine that muster runs on. */
  readonly allowInstancePrincipal: boolean;
}

/** What a fault of credentials was found while doing; the `operation` of its `ProviderError`. */
export type CredentialStep =
  | "ChooseAccount"
  | "ReadConfigFile"
  | "ReadRegion"
  | "ReadPrivateKey"
  | "CompareFingerprint"
  | "ReadFile";

/** As whom to call: chosen, but nothing read yet. */
export type Account =
  | {
      readonly method: "user";
      readonly configFile: string;
      readonly profile: string;
      /** From the document or the environment; otherwise the config file's counts. */
      readonly region: string | null;
    }
  | { readonly method: "instance"; readonly region: string | null };

/** What a user's requests are signed with. */
export interface UserCredentials {
  readonly tenancyId: string;
  /** Nothing in a session profile. */
  readonly userId: string | null;
  readonly fingerprint: string;
  /** Not encrypted. */
  readonly privateKey: Redacted.Redacted;
  readonly keyFile: string;
  readonly passPhrase: Redacted.Redacted | null;
  readonly sessionTokenFile: string | null;
  readonly region: string;
}

/** Chooses the account for a document, or fails with `Denied` when the operator does not let it. */
export const chooseAccount = (
  auth: ScopeAuth,
  options: CredentialOptions,
): Effect.Effect<Account, ProviderError> =>
  Effect.suspend(() => asEffect(accountOf(auth, options)));

const accountOf = (auth: ScopeAuth, options: CredentialOptions): Account | ProviderError => {
  const region = auth.region ?? nonEmpty(options.env["OCI_REGION"]) ?? null;
  if (region !== null && !isRegion(region)) return badRegion(region);
  if (auth.method === "instance") {
    return options.allowInstancePrincipal ? { method: "instance", region } : refusedInstance();
  }
  const source = options.allowDocumentCredentials
    ? documentSource(auth, options.env)
    : operatorSource(auth, options);
  return source instanceof ProviderError ? source : { method: "user", ...source, region };
};

type Source = { readonly configFile: string; readonly profile: string };

const documentSource = (auth: ScopeAuth, env: Env): Source => ({
  configFile: expandPath(auth.configFile ?? usualConfigFile(env), env),
  profile: auth.profile ?? nonEmpty(env["OCI_CLI_PROFILE"]) ?? defaultProfile,
});

const operatorSource = (auth: ScopeAuth, options: CredentialOptions): Source | ProviderError => {
  if (auth.configFile !== undefined) {
    return denied(
      "ChooseAccount",
      "the document names spec.auth.configFile, and here documents do not choose credentials",
      "remove spec.auth.configFile and name a profile that the operator lists (option `profiles` " +
        "of the oci plugin)",
    );
  }
  const name = auth.profile ?? defaultProfile;
  const listed = options.profiles.find((profile) => profile.name === name);
  if (listed === undefined) {
    const names = options.profiles.map((profile) => profile.name).sort();
    return denied(
      "ChooseAccount",
      `the operator lists no profile ${quote(name)}` +
        (names.length === 0 ? "" : `, only ${names.join(", ")}`),
      `list it with muster run --allow-profile ${name}, or as { name: ${quote(name)} } in the ` +
        "option `profiles` of the oci plugin; or name a listed one in spec.auth.profile",
    );
  }
  return {
    configFile: expandPath(listed.configFile ?? usualConfigFile(options.env), options.env),
    profile: listed.profile ?? listed.name,
  };
};

/**
 * Reads what a user's profile says and checks it: every fault names file and line, and none
 * shows a secret. Fails with `Denied`.
 */
export const readUserCredentials = (
  account: Extract<Account, { readonly method: "user" }>,
  env: Env,
): Effect.Effect<UserCredentials, ProviderError> =>
  Effect.gen(function* () {
    const { configFile } = account;
    const text = yield* readSmallFile(configFile, {
      step: "ReadConfigFile",
      what: `the OCI config file ${configFile}`,
      remedy:
        "make it with `oci setup config`, or name another in spec.auth.configFile or " +
        "OCI_CLI_CONFIG_FILE",
    });
    const profile = yield* asEffect(profileOf(text, account));
    const required = (key: string): Effect.Effect<ConfigEntry, ProviderError> =>
      asEffect(profile.entries.get(key) ?? missingKey(key, profile));
    const sessionToken = profile.entries.get("security_token_file");
    const tenancy = yield* required("tenancy");
    const user = sessionToken === undefined ? yield* required("user") : undefined;
    const fingerprint = yield* required("fingerprint");
    const keyFile = yield* required("key_file");
    const key = yield* readKey(profile, keyFile, fingerprint, env);
    const passPhrase = profile.entries.get("pass_phrase");
    return {
      tenancyId: tenancy.value,
      userId: user?.value ?? null,
      fingerprint: key.fingerprint,
      privateKey: Redacted.make(key.pem),
      keyFile: expandPath(keyFile.value, env),
      passPhrase: passPhrase === undefined ? null : Redacted.make(passPhrase.value),
      sessionTokenFile: sessionToken === undefined ? null : expandPath(sessionToken.value, env),
      region: yield* asEffect(regionOf(account, profile)),
    };
  });

interface Profile {
  readonly file: string;
  readonly name: string;
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

const profileOf = (
  text: string,
  account: { readonly configFile: string; readonly profile: string },
): Profile | ProviderError => {
  const config = parseConfig(text);
  const file = account.configFile;
  if (config.faults.length > 0) {
    const faults = config.faults.map((fault) => `${file}:${fault.line}: ${fault.summary}`);
    return denied(
      "ReadConfigFile",
      faults.join("; "),
      "correct these lines: a profile is [NAME] and key=value lines",
    );
  }
  const entries = entriesOf(config, account.profile);
  if (entries === undefined) {
    const names = [...config.profiles.keys()].sort();
    return denied(
      "ReadConfigFile",
      `${file} has no profile [${account.profile}]`,
      names.length === 0
        ? "add the profile to the file"
        : `name one of its profiles in spec.auth.profile: ${names.join(", ")}`,
    );
  }
  return { file, name: account.profile, entries };
};

const missingKey = (key: string, profile: Profile): ProviderError =>
  denied(
    key === "region" ? "ReadRegion" : "ReadConfigFile",
    `${profile.file} has no ${key} in profile [${profile.name}]`,
    `add \`${key}=…\` to the profile (the console shows the lines when an API key is added)`,
  );

const regionOf = (account: Account, profile: Profile): string | ProviderError => {
  if (account.region !== null) return account.region;
  const entry = profile.entries.get("region");
  if (entry === undefined) return missingKey("region", profile);
  if (!isRegion(entry.value)) return badRegion(entry.value, `${profile.file}:${entry.line}`);
  return entry.value;
};

const readKey = (
  profile: Profile,
  keyFile: ConfigEntry,
  fingerprint: ConfigEntry,
  env: Env,
): Effect.Effect<{ readonly pem: string; readonly fingerprint: string }, ProviderError> =>
  Effect.gen(function* () {
    const path = expandPath(keyFile.value, env);
    const place = `${profile.file}:${keyFile.line}`;
    const text = yield* readSmallFile(path, {
      step: "ReadPrivateKey",
      what: `the key file ${path} that ${place} names`,
      remedy: "correct key_file, or let this user read the file",
    });
    const passPhrase = profile.entries.get("pass_phrase");
    const reading = readPrivateKey(text, passPhrase?.value);
    if (!reading.ok) {
      const line = reading.fault.about === "pass phrase" ? passPhrase?.line : undefined;
      return yield* denied(
        "ReadPrivateKey",
        `the key file ${path} (${profile.file}:${line ?? keyFile.line}) ${reading.fault.summary}`,
        reading.fault.remedy,
      );
    }
    if (reading.fingerprint !== fingerprint.value.toLowerCase()) {
      return yield* denied(
        "CompareFingerprint",
        `the key file ${path} has the fingerprint ${reading.fingerprint}, and ` +
          `${profile.file}:${fingerprint.line} says another`,
        "name the key that belongs to the fingerprint, or the fingerprint of this key once it is " +
          "uploaded for the user",
      );
    }
    return reading;
  });

/** Config files, keys and tokens are far smaller, in bytes. */
const maxFileBytes = 1_048_576;

/** Reads a text file of at most 1 MiB; fails with `Denied`, naming the file and the reason. */
export const readSmallFile = (
  path: string,
  about: { readonly step: CredentialStep; readonly what: string; readonly remedy: string },
): Effect.Effect<string, ProviderError> =>
  Effect.tryPromise({
    try: async () => {
      const found = await stat(path);
      if (!found.isFile()) throw new Error("it is not a file");
      if (found.size > maxFileBytes) throw new Error("it is larger than 1 MiB");
      return await readFile(path, "utf8");
    },
    catch: (thrown) =>
      denied(about.step, `${about.what} cannot be read: ${whyOf(thrown)}`, about.remedy),
  });

const whyOf = (thrown: unknown): string => {
  const code =
    typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined;
  if (code === "ENOENT") return "it does not exist";
  if (code === "EACCES" || code === "EPERM") return "this user may not read it";
  return thrown instanceof Error && code === undefined ? thrown.message : String(code);
};

const usualConfigFile = (env: Env): string =>
  nonEmpty(env["OCI_CLI_CONFIG_FILE"]) ?? "~/.oci/config";

/** An absolute path; `~`, `$HOME` and `${HOME}` at its beginning are the user's home. */
export const expandPath = (path: string, env: Env): string => {
  const home = nonEmpty(env["HOME"]) ?? homedir();
  return resolve(path.replace(/^(~|\$HOME|\$\{HOME\})(?=\/|$)/, () => home));
};

/**
 * Whether a text may be a region, such as `us-phoenix-1`. A region becomes part of a host name:
 * a dot or a slash in it would send signed requests to a host of the document's choice.
 */
export const isRegion = (text: string): boolean => /^[a-z0-9]+(-[a-z0-9]+)+$/.test(text);

const badRegion = (region: string, place?: string): ProviderError =>
  denied(
    "ReadRegion",
    `${place === undefined ? "" : `${place}: `}${quote(region)} is not a region`,
    "name a region such as us-phoenix-1 in spec.auth.region, OCI_REGION or the config file",
  );

const refusedInstance = (): ProviderError =>
  denied(
    "ChooseAccount",
    "the document asks for auth.method: instance, and here documents may not act as this machine",
    "use auth.method: user with a profile that the operator lists, or set the option " +
      "`allowInstancePrincipal` of the oci plugin (muster run --allow-instance-principal)",
  );

const denied = (step: CredentialStep, message: string, remedy: string): ProviderError =>
  new ProviderError({ reason: "Denied", operation: step, message, remedy });

const asEffect = <A>(value: A | ProviderError): Effect.Effect<A, ProviderError> =>
  value instanceof ProviderError ? Effect.fail(value) : Effect.succeed(value);

const nonEmpty = (text: string | undefined): string | undefined =>
  text === undefined || text === "" ? undefined : text;
