// What a validation of credentials tells: as whom OCI is called, and which part of that is wrong.

/**
 * What a finding is about:
 * - `consent`: the operator does not let documents use this account
 * - `configuration`: the document, the plugin's settings, the config file or its profile
 * - `key`: the key file, its pass phrase, or a key that OCI does not know
 * - `fingerprint`: the profile names another key than its key file holds
 * - `permissions`: others of this machine can read what requests are signed with
 * - `session`: the session token ended, ends soon, or cannot be read
 * - `instance`: this machine cannot prove that it is an instance of OCI
 * - `region`: there is no such region, or the tenancy is not subscribed to it
 * - `network`: nothing answered: name service, refused, or silence
 * - `clock`: this machine's clock is off
 * - `policy`: the signature is accepted, and what is asked for is not allowed
 * - `service`: OCI itself fails, or wants to be asked later
 */
export type AuthSubject =
  | "consent"
  | "configuration"
  | "key"
  | "fingerprint"
  | "permissions"
  | "session"
  | "instance"
  | "region"
  | "network"
  | "clock"
  | "policy"
  | "service";

export interface AuthFinding {
  readonly what: AuthSubject;
  /** A warning does not keep muster from working. */
  readonly severity: "error" | "warning";
  /** What was found. Holds no secret. */
  readonly message: string;
  /** What a person can do about it. */
  readonly remedy: string;
}

/** As whom OCI is called; null where it could not be found out. */
export interface AuthDetails {
  readonly method: "user" | "instance";
  /** Such as `profile DEFAULT of /home/ann/.oci/config`. */
  readonly account: string;
  readonly region: string | null;
  readonly tenancyId: string | null;
  /** Null for an instance, and in a session profile that names no user. */
  readonly userId: string | null;
  /** Names of regions, in alphabetical order. */
  readonly subscribedRegions: ReadonlyArray<string> | null;
  /** How many regions there are in the realm. */
  readonly regionsCount: number | null;
}

export interface AuthReport {
  /** Whether nothing was found that keeps muster from working. */
  readonly ok: boolean;
  /** Null when not even the account can be told. */
  readonly details: AuthDetails | null;
  /** Errors first; warnings may be there although all is well. */
  readonly findings: ReadonlyArray<AuthFinding>;
}
