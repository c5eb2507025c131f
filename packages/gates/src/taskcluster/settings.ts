// Decides from Taskcluster's usual variables whom to ask, and as whom; what they hold is never told.

import * as Redacted from "effect/Redacted";
import * as Result from "effect/Result";
import type { Credentials } from "./hawk.ts";

/** One deployment of Taskcluster, and who asks it: nobody in particular where there are no credentials. */
export interface TaskclusterSettings {
  /** Without a slash at its end. */
  readonly rootUrl: string;
  readonly credentials: Credentials | null;
}

/** A variable that cannot be used, and what it should be. */
export interface SettingsFault {
  readonly message: string;
  readonly remedy: string;
}

type Env = Readonly<Record<string, string | undefined>>;

const names = {
  rootUrl: "TASKCLUSTER_ROOT_URL",
  clientId: "TASKCLUSTER_CLIENT_ID",
  accessToken: "TASKCLUSTER_ACCESS_TOKEN",
  certificate: "TASKCLUSTER_CERTIFICATE",
} as const;

/** Nothing where no root URL is given: then Taskcluster is not asked. An empty variable is none. */
export const taskclusterSettings = (
  env: Env,
): Result.Result<TaskclusterSettings | null, SettingsFault> => {
  const rootUrl = env[names.rootUrl] ?? "";
  if (rootUrl === "") return Result.succeed(null);
  if (!isRootUrl(rootUrl)) {
    return fault(
      `${names.rootUrl} is no address of a deployment`,
      "such as https://firefox-ci-tc.services.mozilla.com, without user and query",
    );
  }
  return Result.map(credentialsOf(env), (credentials) => ({
    rootUrl: rootUrl.replace(/\/+$/u, ""),
    credentials,
  }));
};

const isRootUrl = (text: string): boolean => {
  const url = URL.parse(text);
  return (
    url !== null &&
    ["https:", "http:"].includes(url.protocol) &&
    [url.username, url.password, url.search, url.hash].every((part) => part === "")
  );
};

const credentialsOf = (env: Env): Result.Result<Credentials | null, SettingsFault> => {
  const clientId = env[names.clientId] ?? "";
  const accessToken = env[names.accessToken] ?? "";
  const certificate = env[names.certificate] ?? "";
  if (clientId === "" && accessToken === "" && certificate === "") return Result.succeed(null);
  if (clientId === "" || accessToken === "") {
    return fault(
      `${clientId === "" ? names.clientId : names.accessToken} is missing beside the other credentials`,
      `give ${names.clientId} and ${names.accessToken}, or neither: then nobody in particular asks`,
    );
  }
  // It stands in a header as it is.
  if (!/^[A-Za-z0-9!@/:.+|_-]+$/u.test(clientId)) {
    return fault(`${names.clientId} is no client id`, "copy it anew, without quotes");
  }
  if (certificate !== "" && !isObject(certificate)) {
    return fault(
      `${names.certificate} is not the JSON of a certificate`,
      "copy it as it was issued with the other two; leave it out where there is none",
    );
  }
  return Result.succeed({
    clientId,
    accessToken: Redacted.make(accessToken),
    certificate: certificate === "" ? null : Redacted.make(certificate),
  });
};

const isObject = (text: string): boolean => {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false;
  }
};

const fault = (message: string, remedy: string): Result.Result<never, SettingsFault> =>
  Result.fail({ message, remedy });
