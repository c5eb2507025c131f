// The one file that imports the vendor SDK: turns its clients into the few calls that muster makes.

import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import type * as Scope from "effect/Scope";
import * as Common from "oci-common";
import * as Core from "oci-core";
import * as Identity from "oci-identity";
import * as WorkRequests from "oci-workrequests";
import { ProviderError } from "@muster/core/words/provider";
import { tracedCall } from "./trace.ts";
import type {
  AccountCalls,
  LaunchAnswer,
  LaunchRequest,
  OciAccount,
  OciApi,
  OciInstance,
  TerminateAnswer,
} from "./api.ts";
import { isRegion, type UserCredentials } from "./credentials.ts";
import {
  federationRefused,
  hasMoved,
  heldBackFor,
  isAbsent,
  isForbidden,
  isSpentToken,
  providerErrorOf,
  readFailure,
  readMetadata,
  type CallFailure,
} from "./errors.ts";
import {
  metadataTimeoutMillis,
  readInstanceRegion,
  usualMetadataUrl,
} from "./instance-metadata.ts";
import { longestWaits, type RateLimiter } from "./rate-limit.ts";
import { endedAt, endOfToken, makeSessionReader } from "./session.ts";
import { lasting, makeSigningSource, type SigningPair, type SigningSource } from "./signing.ts";
import { CallFailed, makeTransport, withSignal, type SdkRequest, type Sign } from "./transport.ts";

export interface ClientOptions {
  /** One base address for all services; nothing: those of the region. */
  readonly endpoint: string | null;
  /** Where tokens are asked for; nothing: the endpoint, else that of the region. */
  readonly federationUrl: string | null;
  /** The time that one call may take, in milliseconds. */
  readonly timeoutMillis: number;
  /** Shared by all clients of the account. */
  readonly limiter: RateLimiter;
  /** Told when OCI does not accept our signature: the credentials may have been changed. */
  readonly onUnauthenticated: () => void;
}

export interface InstanceOptions extends ClientOptions {
  readonly region: string | null;
  /** Nothing: the usual link-local address. */
  readonly metadataUrl: string | null;
}

/** The calls of an account, and how to find out whether it may make them. */
export interface OciClients {
  readonly api: OciApi;
  readonly account: OciAccount;
}

/** The calls of a user, whose credentials were checked before. */
export const userApi = (
  credentials: UserCredentials,
  account: string,
  options: ClientOptions,
): Effect.Effect<OciClients, ProviderError, Scope.Scope> => {
  const { region, tenancyId, userId } = credentials;
  const caller = { region, tenancyId, userId, account };
  return openApi(userSource(credentials, options), caller, options);
};

const userSource = (credentials: UserCredentials, options: ClientOptions): SigningSource => {
  const { tenancyId, userId, fingerprint, keyFile, passPhrase, sessionTokenFile } = credentials;
  if (sessionTokenFile === null) {
    const privateKey = Redacted.value(credentials.privateKey);
    return lasting({ keyId: `${tenancyId}/${userId}/${fingerprint}`, privateKey });
  }
  const address = federationAddress(credentials.region, options);
  return makeSigningSource({
    read: makeSessionReader({ tokenFile: sessionTokenFile, keyFile, passPhrase }),
    renew: async (held) => {
      const end = held?.endsAt ?? 0;
      if (held === null || end <= Date.now()) throw endedAt(end, sessionTokenFile);
      return refreshSession(held, address, options.timeoutMillis);
    },
    renewsRefused: false,
    timeoutMillis: options.timeoutMillis,
  });
};

/** As the SDK refreshes a session, but in time, quietly, and wherever tokens are asked for. */
const refreshSession = async (
  held: SigningPair,
  address: string,
  timeoutMillis: number,
): Promise<SigningPair> => {
  const transport = makeTransport({ sign: signerOf(lasting(held)), timeoutMillis });
  const answer = await transport.send({
    method: "POST",
    uri: `${address}/v1/authentication/refresh`,
    headers: new Headers({ "content-type": "application/json" }),
    body: JSON.stringify({ currentToken: held.keyId.slice("ST$".length) }),
  });
  const { token } = (await answer.json()) as { readonly token?: unknown };
  return pairOfToken(token, held.privateKey);
};

const pairOfToken = (token: unknown, privateKey: string): SigningPair => {
  const endsAt = typeof token === "string" ? endOfToken(token) : undefined;
  if (typeof token !== "string" || endsAt === undefined) {
    throw new CallFailed("the answer holds no token", {});
  }
  return { keyId: `ST$${token}`, privateKey, endsAt };
};

const federationAddress = (region: string, options: ClientOptions): string =>
  options.federationUrl ??
  options.endpoint ??
  Common.EndpointBuilder.createEndpointFromRegionId(
    "https://auth.{region}.{secondLevelDomain}",
    region,
  );

/** The calls of the machine that muster runs on. Fails with `Denied` elsewhere than on OCI. */
export const instanceApi = (
  options: InstanceOptions,
): Effect.Effect<OciClients, ProviderError, Scope.Scope> =>
  Effect.gen(function* () {
    const metadataUrl = slashed(options.metadataUrl ?? usualMetadataUrl);
    const patience = Math.min(metadataTimeoutMillis, options.timeoutMillis);
    const home = yield* regionOfInstance(metadataUrl, patience);
    const provider = yield* Effect.acquireRelease(
      buildInstanceProvider({
        metadataUrl,
        federationUrl: federationAddress(home, options),
        patience,
        timeoutMillis: options.timeoutMillis,
      }),
      (built) => Effect.sync(built.close),
    );
    const caller = {
      region: options.region ?? home,
      tenancyId: provider.tenancyId,
      userId: null,
      account: "the instance that muster runs on",
    };
    return yield* openApi(provider.source, caller, options);
  });

const regionOfInstance = (
  metadataUrl: string,
  patience: number,
): Effect.Effect<string, ProviderError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const { name, realm } = await readInstanceRegion(
        metadataUrl,
        AbortSignal.any([signal, AbortSignal.timeout(patience)]),
      );
      if (realm === null) {
        const region = Common.Region.getRegionIdFromShortCode(name);
        if (!isRegion(region)) throw new Error("what answers there is no metadata service");
        return region;
      }
      if (!isKnownRegion(name)) {
        const { key, domain, regionKey } = realm;
        Common.Region.register(name, Common.Realm.register(key, domain), regionKey);
      }
      return name;
    },
    catch: notAnInstance,
  });

/** Whether the SDK has heard of a region: a new one works all the same, a misspelled one does not. */
export const isKnownRegion = (region: string): boolean =>
  Common.Region.values().some(({ regionId }) => regionId === region);

const slashed = (url: string): string => (url.endsWith("/") ? url : `${url}/`);

const notAnInstance = (thrown: unknown): ProviderError =>
  new ProviderError({
    reason: "Denied",
    operation: readMetadata,
    message:
      "this machine is not an OCI instance, or its metadata service cannot be reached: " +
      readFailure(thrown).message,
    remedy:
      "use auth.method: user with a config file, or run muster on an OCI instance that is in " +
      "a dynamic group",
  });

interface InstanceProvider {
  readonly source: SigningSource;
  readonly tenancyId: string;
  readonly close: () => void;
}

const buildInstanceProvider = (options: {
  readonly metadataUrl: string;
  readonly federationUrl: string;
  /** For all that is asked of the metadata service together, in milliseconds. */
  readonly patience: number;
  /** For a token, in milliseconds. */
  readonly timeoutMillis: number;
}): Effect.Effect<InstanceProvider, ProviderError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const builder = new Common.InstancePrincipalsAuthenticationDetailsProviderBuilder();
      builder.metadataBaseUrl = options.metadataUrl;
      builder.federationEndpoint = options.federationUrl;
      // Its breaker would start timers, and announce its end on the console.
      Object.assign(builder, { _authCircuitBreaker: noBreaker() });
      const built = await raceTimeout(builder.build(), options.patience, signal);
      // Only the builder's first requests used this one.
      (builder as unknown as WithBreaker)._circuitBreaker?.shutdown();
      hushFederation(built, options.timeoutMillis);
      return {
        source: makeSigningSource({
          renew: async () => renewInstance(built),
          renewsRefused: true,
          timeoutMillis: options.timeoutMillis,
        }),
        tenancyId: builder.tenancyId,
        close: () => built.closeProvider(),
      };
    },
    catch: notAnInstance,
  });

type BuiltProvider = Awaited<
  ReturnType<Common.InstancePrincipalsAuthenticationDetailsProviderBuilder["build"]>
>;

/**
 * Asks the metadata service for the certificate, which changes in the course of a day, and the
 * federation for a token. The SDK makes a new key for each; key and token are taken together.
 */
const renewInstance = async (provider: BuiltProvider): Promise<SigningPair> => {
  try {
    const token = await (provider as unknown as Refreshing).refresh();
    return pairOfToken(token, provider.getPrivateKey());
  } catch (thrown) {
    const { status, message, ...failure } = readFailure(thrown);
    throw new CallFailed(`no token for this instance: ${message}`, {
      ...(status === null ? {} : { statusCode: status }),
      ...(status === 401 || status === 403 || status === 404
        ? { serviceCode: federationRefused }
        : failure.code === null
          ? {}
          : { serviceCode: failure.code }),
      ...(failure.clockAheadMillis === null ? {} : { clockAheadMillis: failure.clockAheadMillis }),
      ...(failure.requestId === null ? {} : { opcRequestId: failure.requestId }),
      ...(failure.timedOutAfterMillis === null
        ? {}
        : { timedOutAfterMillis: failure.timedOutAfterMillis }),
    });
  }
};

interface Refreshing {
  readonly refresh: () => Promise<string>;
}

interface WithBreaker {
  readonly _circuitBreaker?: { readonly shutdown: () => void } | null;
}

// The builder's requests have no time-out of their own.
const raceTimeout = <A>(work: Promise<A>, millis: number, caller: AbortSignal): Promise<A> =>
  new Promise<A>((resolve, reject) => {
    const signal = AbortSignal.any([caller, AbortSignal.timeout(millis)]);
    const abort = (): void => reject(new Error(`no answer within ${millis} ms`));
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject);
  });

interface FederationInside {
  readonly federationClient: {
    httpClient: { readonly signer: Common.RequestSigner } | Common.HttpClient;
  };
}

/**
 * The client that fetches the instance's token tries three times and tells each failure to
 * `console.log`, unless no attempt seems to fail: so it gets our transport as well.
 */
const hushFederation = (built: unknown, timeoutMillis: number): void => {
  const { federationClient } = built as FederationInside;
  const { signer } = federationClient.httpClient as { readonly signer: Common.RequestSigner };
  federationClient.httpClient = makeTransport({
    sign: async (request) => signer.signHttpRequest(request as Common.HttpRequest),
    timeoutMillis,
  });
};

/**
 * Signs with the pair of the moment. The SDK's signer asks its provider for name and key one after
 * the other, and a renewal between the two would give a request a key that is not its token's.
 */
const signerOf = (source: SigningSource): Sign => {
  const signers = new WeakMap<SigningPair, Common.DefaultRequestSigner>();
  const signWith = async (pair: SigningPair, request: SdkRequest): Promise<void> => {
    const signer = signers.get(pair) ?? new Common.DefaultRequestSigner(providerOf(pair));
    signers.set(pair, signer);
    await signer.signHttpRequest(request as Common.HttpRequest);
  };
  return async (request) => {
    const pair = await source.current();
    await signWith(pair, request);
    return async (again) => {
      const other = await source.after(pair);
      if (other !== null) await signWith(other, again);
      return other !== null;
    };
  };
};

const providerOf = (pair: SigningPair): Common.AuthenticationDetailsProvider => ({
  getKeyId: async () => pair.keyId,
  getPrivateKey: () => pair.privateKey,
  getPassphrase: () => null,
});

interface Caller {
  readonly region: string;
  readonly tenancyId: string;
  readonly userId: string | null;
  readonly account: string;
}

const openApi = (
  source: SigningSource,
  { region, tenancyId, userId, account }: Caller,
  options: ClientOptions,
): Effect.Effect<OciClients, ProviderError, Scope.Scope> =>
  Effect.map(openClients(source, region, options), (clients) => ({
    api: {
      ...callsOf(clients, { region, account }, options),
      region,
      tenancyId,
      account,
    },
    account: {
      userId,
      calls: accountCallsOf(clients, attemptAs({ region, account }, options.limiter), tenancyId),
    },
  }));

const noBreaker = (): Common.CircuitBreaker =>
  new Common.CircuitBreaker({ disableClientCircuitBreaker: true });

interface Clients {
  readonly compute: Core.ComputeClient;
  readonly network: Core.VirtualNetworkClient;
  readonly identity: Identity.IdentityClient;
  readonly workRequests: WorkRequests.WorkRequestClient;
}

/** Makes each client once; they end with the scope. */
const openClients = (
  source: SigningSource,
  region: string,
  options: ClientOptions,
): Effect.Effect<Clients, ProviderError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => makeClients(source, region, options),
      catch: (thrown) =>
        providerErrorOf({ operation: "OpenClients", region, account: "" }, readFailure(thrown)),
    }),
    (clients) =>
      Effect.sync(() => {
        for (const client of Object.values(clients)) client.close();
      }),
  );

const makeClients = (source: SigningSource, region: string, options: ClientOptions): Clients => {
  const transport = makeTransport({
    sign: signerOf(source),
    timeoutMillis: options.timeoutMillis,
  });
  const params = { httpClient: transport as Common.HttpClient };
  // Both are on by default for some clients and operations, and by environment variables for all.
  const configuration = {
    retryConfiguration: Common.NoRetryConfigurationDetails,
    circuitBreaker: noBreaker(),
  };
  const place = <Client extends { endpoint: string; regionId: string }>(client: Client): Client => {
    if (options.endpoint === null) client.regionId = region;
    else client.endpoint = options.endpoint;
    return client;
  };
  return {
    compute: place(new Core.ComputeClient(params, configuration)),
    network: place(new Core.VirtualNetworkClient(params, configuration)),
    identity: place(new Identity.IdentityClient(params, configuration)),
    workRequests: place(new WorkRequests.WorkRequestClient(params, configuration)),
  };
};

const attached = Core.models.VnicAttachment.LifecycleState.Attached;

/** One call of the SDK in its turn, which ends when its fiber does. */
const attemptAs =
  (caller: Pick<Caller, "region" | "account">, limiter: RateLimiter) =>
  <A>(operation: string, run: () => Promise<A>): Effect.Effect<A, CallFailure> =>
    limiter.turn(longestWaits[writes.has(operation) ? "write" : "read"]).pipe(
      Effect.mapError(({ waitMillis }) => heldBackFor(waitMillis)),
      Effect.andThen(
        Effect.tryPromise({ try: (signal) => withSignal(signal, run), catch: readFailure }).pipe(
          tracedCall({ operation, ...caller }),
          Effect.tap(limiter.answered),
          Effect.tapError(({ status, retryAfterMillis }) =>
            status === 429 ? limiter.throttled(retryAfterMillis) : limiter.answered,
          ),
        ),
      ),
    );

const writes = new Set(["LaunchInstance", "UpdateInstance", "TerminateInstance"]);

const accountCallsOf = (
  { compute, identity }: Clients,
  attempt: ReturnType<typeof attemptAs>,
  tenancyId: string,
): AccountCalls => ({
  regions: attempt("ListRegions", async () =>
    namesOf((await identity.listRegions({})).items, ({ name }) => name),
  ),
  subscribedRegions: attempt("ListRegionSubscriptions", async () =>
    namesOf(
      (await identity.listRegionSubscriptions({ tenancyId })).items,
      ({ regionName }) => regionName,
    ),
  ),
  availabilityDomains: (compartmentId) =>
    attempt("ListAvailabilityDomains", () => domainsOf(identity, compartmentId)),
  touchInstances: (compartmentId) =>
    attempt("ListInstances", async () => {
      await compute.listInstances({ compartmentId: queryValue(compartmentId), limit: 1 });
    }),
});

const namesOf = <Item>(
  items: ReadonlyArray<Item>,
  nameOf: (item: Item) => string | undefined,
): ReadonlyArray<string> => items.flatMap((item) => nameOf(item) ?? []);

const domainsOf = async (
  identity: Identity.IdentityClient,
  compartmentId: string,
): Promise<ReadonlyArray<string>> => {
  const answer = await identity.listAvailabilityDomains({
    compartmentId: queryValue(compartmentId),
  });
  return namesOf(answer.items, ({ name }) => name);
};

type Calls = Omit<OciApi, "region" | "tenancyId" | "account">;

/** Most items on a page that OCI gives. */
const pageLimit = 1_000;

const callsOf = (
  clients: Clients,
  caller: Pick<Caller, "region" | "account">,
  { limiter, onUnauthenticated }: Pick<ClientOptions, "limiter" | "onUnauthenticated">,
): Calls => {
  const { compute, network, identity, workRequests } = clients;

  const errorOf = (operation: string, failure: CallFailure): ProviderError => {
    if (failure.status === 401) onUnauthenticated();
    return providerErrorOf({ operation, ...caller }, failure);
  };

  const attempt = attemptAs(caller, limiter);

  const call = <A>(operation: string, run: () => Promise<A>): Effect.Effect<A, ProviderError> =>
    Effect.mapError(attempt(operation, run), (failure) => errorOf(operation, failure));

  const callOrNull =
    (isNothing: (failure: CallFailure) => boolean) =>
    <A>(operation: string, run: () => Promise<A>): Effect.Effect<A | null, ProviderError> =>
      Effect.catch(attempt(operation, run), (failure) =>
        isNothing(failure) ? Effect.succeed(null) : Effect.fail(errorOf(operation, failure)),
      );

  const callOrAbsent = callOrNull(isAbsent);
  // There is another way to learn what a work request tells.
  const callOrForbidden = callOrNull(isForbidden);

  return {
    listInstances: ({ compartmentId, page }) =>
      call("ListInstances", async () => {
        const answer = await compute.listInstances({
          compartmentId: queryValue(compartmentId),
          limit: pageLimit,
          ...(page === null ? {} : { page: queryValue(page) }),
        });
        return {
          items: answer.items.map((instance) => instanceOf(instance, null)),
          next: answer.opcNextPage || null,
        };
      }),

    getInstance: (id) =>
      callOrAbsent("GetInstance", async () => {
        const answer = await compute.getInstance({ instanceId: id });
        return instanceOf(answer.instance, answer.etag || null);
      }),

    launchInstance: (request) =>
      Effect.catch(
        attempt<LaunchAnswer>("LaunchInstance", async () => {
          const answer = await compute.launchInstance({
            opcRetryToken: request.token,
            launchInstanceDetails: launchDetailsOf(request),
          });
          return {
            kind: "launched",
            instance: instanceOf(answer.instance, answer.etag || null),
            workRequestId: answer.opcWorkRequestId || null,
          };
        }),
        (failure): Effect.Effect<LaunchAnswer, ProviderError> => {
          const error = errorOf("LaunchInstance", failure);
          return isSpentToken(failure)
            ? Effect.succeed({ kind: "token-spent", error })
            : Effect.fail(error);
        },
      ),

    updateInstance: ({ id, freeformTags, version }) =>
      call("UpdateInstance", async () => {
        const answer = await compute.updateInstance({
          instanceId: id,
          updateInstanceDetails: { freeformTags: { ...freeformTags } },
          ...(version === null ? {} : { ifMatch: version }),
        });
        return instanceOf(answer.instance, answer.etag || null);
      }),

    terminateInstance: ({ id, version }) =>
      Effect.catch(
        attempt<TerminateAnswer>("TerminateInstance", async () => {
          const answer = await compute.terminateInstance({
            instanceId: id,
            preserveBootVolume: false,
            ...(version === null ? {} : { ifMatch: version }),
          });
          return { kind: "accepted", workRequestId: answer.opcWorkRequestId || null };
        }),
        (failure): Effect.Effect<TerminateAnswer, ProviderError> => {
          const error = errorOf("TerminateInstance", failure);
          if (isAbsent(failure)) return Effect.succeed({ kind: "absent", error });
          return hasMoved(failure) ? Effect.succeed({ kind: "moved", error }) : Effect.fail(error);
        },
      ),

    getWorkRequest: (id) =>
      callOrForbidden("GetWorkRequest", async () => {
        const { workRequest } = await workRequests.getWorkRequest({ workRequestId: id });
        return { status: workRequest.status, percentComplete: workRequest.percentComplete };
      }),

    listWorkRequestErrors: (id) =>
      Effect.map(
        callOrForbidden("ListWorkRequestErrors", async () => {
          const answer = await workRequests.listWorkRequestErrors({ workRequestId: id });
          return answer.items.map(({ code, message }) => ({ code, message }));
        }),
        (faults) => faults ?? [],
      ),

    listAvailabilityDomains: (compartmentId) =>
      call("ListAvailabilityDomains", () => domainsOf(identity, compartmentId)),

    listFaultDomains: ({ compartmentId, availabilityDomain }) =>
      call("ListFaultDomains", async () => {
        const answer = await identity.listFaultDomains({
          compartmentId: queryValue(compartmentId),
          availabilityDomain: queryValue(availabilityDomain),
        });
        return answer.items.flatMap(({ name }) => (name === undefined ? [] : [name]));
      }),

    getImage: (id) =>
      callOrAbsent("GetImage", async () => {
        const { image } = await compute.getImage({ imageId: id });
        return { displayName: image.displayName ?? "", lifecycleState: image.lifecycleState };
      }),

    getSubnet: (id) =>
      callOrAbsent("GetSubnet", async () => {
        const { subnet } = await network.getSubnet({ subnetId: id });
        return {
          displayName: subnet.displayName ?? "",
          lifecycleState: subnet.lifecycleState,
          availabilityDomain: subnet.availabilityDomain || null,
        };
      }),

    listVnics: ({ compartmentId, instanceId }) =>
      call("ListVnicAttachments", async () => {
        const answer = await compute.listVnicAttachments({
          compartmentId: queryValue(compartmentId),
          instanceId: queryValue(instanceId),
        });
        return answer.items.flatMap(({ lifecycleState, vnicId }) =>
          lifecycleState === attached && vnicId !== undefined ? [vnicId] : [],
        );
      }),

    getVnic: (id) =>
      callOrAbsent("GetVnic", async () => {
        const { vnic } = await network.getVnic({ vnicId: id });
        return { privateIp: vnic.privateIp || null, isPrimary: vnic.isPrimary ?? false };
      }),
  };
};

// The SDK puts query parameters into the address as they are.
const queryValue = (text: string): string => encodeURIComponent(text);

const launchDetailsOf = (request: LaunchRequest): Core.models.LaunchInstanceDetails => ({
  availabilityDomain: request.availabilityDomain,
  ...(request.faultDomain === null ? {} : { faultDomain: request.faultDomain }),
  compartmentId: request.compartmentId,
  displayName: request.displayName,
  shape: request.shape,
  ...(request.shapeConfig === null ? {} : { shapeConfig: { ...request.shapeConfig } }),
  sourceDetails: {
    sourceType: Core.models.InstanceSourceViaImageDetails.sourceType,
    imageId: request.imageId,
  },
  createVnicDetails: { subnetId: request.subnetId },
  freeformTags: { ...request.freeformTags },
  ...(Object.keys(request.definedTags).length === 0
    ? {}
    : { definedTags: structuredClone(request.definedTags) }),
  ...(Object.keys(request.metadata).length === 0 ? {} : { metadata: { ...request.metadata } }),
});

const instanceOf = (instance: Core.models.Instance, etag: string | null): OciInstance => ({
  id: instance.id,
  displayName: instance.displayName ?? "",
  lifecycleState: instance.lifecycleState,
  // Typed as a Date by the SDK, and a string when it comes.
  timeCreated: String(instance.timeCreated),
  availabilityDomain: instance.availabilityDomain,
  faultDomain: instance.faultDomain || null,
  freeformTags: instance.freeformTags ?? {},
  etag,
});

/** Where the identity service of a region is asked, in the realm that the region belongs to. */
export const identityAddress = (region: string): string =>
  Common.EndpointBuilder.createEndpointFromRegionId(
    "https://identity.{region}.oci.{secondLevelDomain}",
    region,
  );
