// Keeps one connection per account and region: clients, shared looks, and facts that change seldom.

import * as Cache from "effect/Cache";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { canonicalJson } from "@muster/core/words/canonical";
import { ProviderError } from "@muster/core/words/provider";
import type { OciAccount, OciApi, OciImage, OciInstance, OciSubnet } from "./api.ts";
import type { OciClients } from "./client.ts";
import {
  chooseAccount,
  readUserCredentials,
  type Account,
  type CredentialOptions,
} from "./credentials.ts";
import { listInstances } from "./members.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { ScopeAuth } from "./scope.ts";
import { makeSharedLook, type SharedLook } from "./shared-look.ts";

export interface ConnectionOptions extends CredentialOptions {
  /** One base address for all services; nothing: those of the region. */
  readonly endpoint: string | null;
  readonly metadataUrl: string | null;
  readonly federationUrl: string | null;
  /** The time that one call may take, in milliseconds. */
  readonly timeoutMillis: number;
  /** The wait before the first look at running work, in milliseconds; the core's when not given. */
  readonly pollMillis?: number;
  /** The limiter of an account, the same for all its connections. */
  readonly limiterOf: (account: Account) => RateLimiter;
}

/** What seldom changes, remembered for five minutes when it is good. */
export interface Facts {
  readonly domains: (compartmentId: string) => Effect.Effect<ReadonlyArray<string>, ProviderError>;
  readonly faultDomains: (
    compartmentId: string,
    availabilityDomain: string,
  ) => Effect.Effect<ReadonlyArray<string>, ProviderError>;
  /** `anew`: as it is now, whatever is remembered. */
  readonly image: (id: string, anew?: boolean) => Effect.Effect<OciImage | null, ProviderError>;
  readonly subnet: (id: string, anew?: boolean) => Effect.Effect<OciSubnet | null, ProviderError>;
  /** The private address of an instance, which never changes; nothing when none is attached yet. */
  readonly address: (
    compartmentId: string,
    instanceId: string,
  ) => Effect.Effect<string | null, ProviderError>;
}

export interface Connection {
  readonly api: OciApi;
  /**
   * All instances of a compartment, by a list that begins after the question, or began at most
   * `maxAgeMillis` before it.
   */
  readonly instances: (
    compartmentId: string,
    maxAgeMillis?: number,
  ) => Effect.Effect<ReadonlyArray<OciInstance>, ProviderError>;
  readonly facts: Facts;
}

export interface AccountConnection extends Connection {
  readonly account: OciAccount;
}

export interface Connections {
  /** Fails when the account may not be used, cannot be read, or is not whole. */
  readonly connect: (auth: ScopeAuth) => Effect.Effect<Connection, ProviderError>;
}

/** The same, for those who ask whether an account can work at all. */
export interface AccountConnections {
  readonly connect: (auth: ScopeAuth) => Effect.Effect<AccountConnection, ProviderError>;
}

/** Connections that are kept at a time. */
const maxConnections = 64;

interface Kept extends AccountConnection {
  readonly close: Effect.Effect<void>;
  /** Becomes false when OCI refuses the signature. */
  readonly isUsable: () => boolean;
}

/** Connections are opened when first asked for and end with the scope. */
export const makeConnections = (
  options: ConnectionOptions,
): Effect.Effect<AccountConnections, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope;
    const cache = yield* Cache.makeWith(
      (key: string) => open(JSON.parse(key) as Account, options, scope),
      {
        capacity: maxConnections,
        // A fault in a file must be seen as soon as it is mended.
        timeToLive: (exit) => (Exit.isSuccess(exit) ? "1 day" : 0),
      },
    );
    return {
      connect: (auth) =>
        Effect.gen(function* () {
          const account = yield* chooseAccount(auth, options);
          const key = canonicalJson(account);
          const kept = yield* Cache.get(cache, key);
          if (kept.isUsable()) return kept;
          // The key may have been changed since it was read.
          yield* Cache.invalidateWhen(cache, key, (current) => current === kept);
          yield* kept.close;
          return yield* Cache.get(cache, key);
        }),
    };
  });

const open = (
  account: Account,
  options: ConnectionOptions,
  parent: Scope.Scope,
): Effect.Effect<Kept, ProviderError> =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(parent);
    let usable = true;
    const { api, account: caller } = yield* openClients(account, options, () => {
      usable = false;
    }).pipe(
      Scope.provide(scope),
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))),
    );
    return {
      api,
      account: caller,
      // Looks run in the parent: they may be shared by fibers that outlive this connection.
      instances: instancesOf(api, parent),
      facts: yield* makeFacts(api),
      close: Scope.close(scope, Exit.void),
      isUsable: () => usable,
    };
  });

const openClients = (
  account: Account,
  options: ConnectionOptions,
  onUnauthenticated: () => void,
): Effect.Effect<OciClients, ProviderError, Scope.Scope> =>
  Effect.gen(function* () {
    const credentials =
      account.method === "user" ? yield* readUserCredentials(account, options.env) : null;
    const client = yield* loadClient;
    const { endpoint, federationUrl, timeoutMillis } = options;
    const limiter = options.limiterOf(account);
    const clientOptions = { endpoint, federationUrl, timeoutMillis, limiter, onUnauthenticated };
    if (account.method === "user" && credentials !== null) {
      const name = `profile ${account.profile} of ${account.configFile}`;
      return yield* client.userApi(credentials, name, clientOptions);
    }
    return yield* client.instanceApi({
      ...clientOptions,
      region: account.region,
      metadataUrl: options.metadataUrl,
    });
  });

// The vendor SDK costs a quarter of a second and 90 MB: only who calls OCI pays.
const loadClient = Effect.tryPromise({
  try: () => import("./client.ts"),
  catch: (thrown) =>
    new ProviderError({
      reason: "Denied",
      operation: "LoadSdk",
      message: `the OCI SDK cannot be loaded: ${String(thrown)}`,
      remedy: "install muster again",
    }),
});

const instancesOf = (api: OciApi, scope: Scope.Scope): Connection["instances"] => {
  const looks = new Map<string, SharedLook<ReadonlyArray<OciInstance>, ProviderError>>();
  return (compartmentId, maxAgeMillis = 0) =>
    Effect.suspend(() => {
      const look =
        looks.get(compartmentId) ?? makeSharedLook(listInstances(api, compartmentId), scope);
      looks.set(compartmentId, look);
      return look(maxAgeMillis);
    });
};

const factLifetime = "5 minutes";
const maxFacts = 1_000;
const addressLifetime = "1 day";
const maxAddresses = 20_000;

const makeFacts = (api: OciApi): Effect.Effect<Facts> =>
  Effect.gen(function* () {
    const remember = <A>(
      lookup: (key: string) => Effect.Effect<A, ProviderError>,
      isGood: (value: A) => boolean,
    ) =>
      Cache.makeWith(lookup, {
        capacity: maxFacts,
        timeToLive: (exit) => (Exit.isSuccess(exit) && isGood(exit.value) ? factLifetime : 0),
      });
    const isAvailable = (found: { readonly lifecycleState: string } | null): boolean =>
      found?.lifecycleState === "AVAILABLE";
    const domains = yield* remember(api.listAvailabilityDomains, (names) => names.length > 0);
    const faultDomains = yield* remember(
      (key) => {
        const [compartmentId = "", availabilityDomain = ""] = JSON.parse(key) as Array<string>;
        return api.listFaultDomains({ compartmentId, availabilityDomain });
      },
      (names) => names.length > 0,
    );
    const images = yield* remember(api.getImage, isAvailable);
    const subnets = yield* remember(api.getSubnet, isAvailable);
    const addresses = yield* Cache.makeWith(
      (key: string) => {
        const [compartmentId = "", instanceId = ""] = JSON.parse(key) as Array<string>;
        return primaryAddress(api, compartmentId, instanceId);
      },
      {
        capacity: maxAddresses,
        timeToLive: (exit) => (Exit.isSuccess(exit) && exit.value !== null ? addressLifetime : 0),
      },
    );
    return {
      domains: (compartmentId) => Cache.get(domains, compartmentId),
      faultDomains: (...of) => Cache.get(faultDomains, JSON.stringify(of)),
      image: (id, anew = false) => (anew ? Cache.refresh : Cache.get)(images, id),
      subnet: (id, anew = false) => (anew ? Cache.refresh : Cache.get)(subnets, id),
      address: (...of) => Cache.get(addresses, JSON.stringify(of)),
    };
  });

/** The address of the primary VNIC; an instance may have more. */
const primaryAddress = (
  api: OciApi,
  compartmentId: string,
  instanceId: string,
): Effect.Effect<string | null, ProviderError> =>
  Effect.gen(function* () {
    for (const id of yield* api.listVnics({ compartmentId, instanceId })) {
      const vnic = yield* api.getVnic(id);
      if (vnic?.isPrimary === true) return vnic.privateIp;
    }
    return null;
  });
