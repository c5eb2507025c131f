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
import type { LaunchAnswer, LaunchRequest, OciApi, OciInstance, TerminateAnswer } from "./api.ts";
import { isRegion, type UserCredentials } from "./credentials.ts";
import {
  hasMoved,
  isAbsent,
  isForbidden,
  isSpentToken,
  providerErrorOf,
  readFailure,
  type CallFailure,
} from "./errors.ts";
import { readSessionToken } from "./session.ts";
import { makeTransport, withoutSignal, withSignal } from "./transport.ts";

export interface ClientOptions {
  /** One base address for all services; nothing: those of the region. */
  readonly endpoint: string | null;
  /** The time that one call may take, in milliseconds. */
  readonly timeoutMillis: number;
  /** Told when OCI does not accept our signature: the credentials may have been changed. */
  readonly onUnauthenticated: () => void;
}

export interface InstanceOptions extends ClientOptions {
  readonly region: string | null;
  /** Nothing: the usual link-local address. */
  readonly metadataUrl: string | null;
  /** Nothing: that of the region. */
  readonly federationUrl: string | null;
}

/** The calls of a user, whose credentials were checked before. */
export const userApi = (
  credentials: UserCredentials,
  account: string,
  options: ClientOptions,
): Effect.Effect<OciApi, ProviderError, Scope.Scope> =>
  Effect.map(openClients(userProvider(credentials), credentials.region, options), (clients) => ({
    ...callsOf(clients, { region: credentials.region, account }, options.onUnauthenticated),
    region: credentials.region,
    tenancyId: credentials.tenancyId,
    account,
  }));

const userProvider = (credentials: UserCredentials): Common.AuthenticationDetailsProvider => {
  const { tenancyId, userId, fingerprint, sessionTokenFile } = credentials;
  return {
    // The token is read each time: its file is replaced when the session is refreshed.
    getKeyId: async () =>
      sessionTokenFile === null
        ? `${tenancyId}/${userId}/${fingerprint}`
        : `ST$${await readSessionToken(sessionTokenFile, Date.now())}`,
    getPrivateKey: () => Redacted.value(credentials.privateKey),
    getPassphrase: () => null,
  };
};

/** The metadata service answers at once or not at all, in milliseconds. */
const metadataTimeoutMillis = 5_000;

const usualMetadataUrl = "http://169.254.169.254/opc/v2/";

/** The calls of the machine that muster runs on. Fails with `Denied` elsewhere than on OCI. */
export const instanceApi = (
  options: InstanceOptions,
): Effect.Effect<OciApi, ProviderError, Scope.Scope> =>
  Effect.gen(function* () {
    const found = yield* detectRegion(options.metadataUrl ?? usualMetadataUrl);
    const region = options.region ?? found;
    const account = "the instance that muster runs on";
    const provider = yield* Effect.acquireRelease(buildInstanceProvider(options), (built) =>
      Effect.sync(built.close),
    );
    const clients = yield* openClients(provider.signing, region, options);
    return {
      ...callsOf(clients, { region, account }, options.onUnauthenticated),
      region,
      tenancyId: provider.tenancyId,
      account,
    };
  });

const detectRegion = (metadataUrl: string): Effect.Effect<string, ProviderError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(new URL("instance/region", slashed(metadataUrl)), {
        headers: { authorization: "Bearer Oracle" },
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(metadataTimeoutMillis)]),
      });
      if (!response.ok) throw new Error(`the metadata service answered ${response.status}`);
      const region = Common.Region.getRegionIdFromShortCode((await response.text()).trim());
      if (!isRegion(region)) throw new Error("what answers there is no metadata service");
      return region;
    },
    catch: notAnInstance,
  });

const slashed = (url: string): string => (url.endsWith("/") ? url : `${url}/`);

const notAnInstance = (thrown: unknown): ProviderError =>
  new ProviderError({
    reason: "Denied",
    operation: "ReadInstanceMetadata",
    message:
      "this machine is not an OCI instance, or its metadata service cannot be reached: " +
      readFailure(thrown).message,
    remedy:
      "use auth.method: user with a config file, or run muster on an OCI instance that is in " +
      "a dynamic group",
  });

interface InstanceProvider {
  readonly signing: Common.AuthenticationDetailsProvider;
  readonly tenancyId: string;
  readonly close: () => void;
}

const buildInstanceProvider = (
  options: InstanceOptions,
): Effect.Effect<InstanceProvider, ProviderError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const builder = new Common.InstancePrincipalsAuthenticationDetailsProviderBuilder();
      if (options.metadataUrl !== null) builder.metadataBaseUrl = slashed(options.metadataUrl);
      if (options.federationUrl !== null) builder.federationEndpoint = options.federationUrl;
      // Its breaker would start timers, and announce its end on the console.
      Object.assign(builder, { _authCircuitBreaker: noBreaker() });
      const built = await raceTimeout(builder.build(), metadataTimeoutMillis, signal);
      // Only the builder's first requests used this one.
      (builder as unknown as WithBreaker)._circuitBreaker?.shutdown();
      hushFederation(built, options.timeoutMillis);
      return {
        signing: oneTokenAtATime(built),
        tenancyId: builder.tenancyId,
        close: () => built.closeProvider(),
      };
    },
    catch: notAnInstance,
  });

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
 * When a token has run out, each request in flight would ask for a new one with a new key, and all
 * but the last would sign with a key that is not their token's.
 */
const oneTokenAtATime = (
  provider: Common.AuthenticationDetailsProvider,
): Common.AuthenticationDetailsProvider => {
  let asking: Promise<string> | undefined;
  return {
    getKeyId: () =>
      (asking ??= withoutSignal(() => provider.getKeyId()).finally(() => {
        asking = undefined;
      })),
    getPrivateKey: () => provider.getPrivateKey(),
    getPassphrase: () => null,
  };
};

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
  provider: Common.AuthenticationDetailsProvider,
  region: string,
  options: ClientOptions,
): Effect.Effect<Clients, ProviderError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => makeClients(provider, region, options),
      catch: (thrown) =>
        providerErrorOf({ operation: "OpenClients", region, account: "" }, readFailure(thrown)),
    }),
    (clients) =>
      Effect.sync(() => {
        for (const client of Object.values(clients)) client.close();
      }),
  );

const makeClients = (
  provider: Common.AuthenticationDetailsProvider,
  region: string,
  options: ClientOptions,
): Clients => {
  const signer = new Common.DefaultRequestSigner(provider);
  const transport = makeTransport({
    sign: (request) => signer.signHttpRequest(request as Common.HttpRequest),
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

type Calls = Omit<OciApi, "region" | "tenancyId" | "account">;

/** Most items on a page that OCI gives. */
const pageLimit = 1_000;

const callsOf = (
  clients: Clients,
  caller: { readonly region: string; readonly account: string },
  onUnauthenticated: () => void,
): Calls => {
  const { compute, network, identity, workRequests } = clients;

  const errorOf = (operation: string, failure: CallFailure): ProviderError => {
    if (failure.status === 401) onUnauthenticated();
    return providerErrorOf({ operation, ...caller }, failure);
  };

  const attempt = <A>(operation: string, run: () => Promise<A>): Effect.Effect<A, CallFailure> =>
    Effect.tryPromise({ try: (signal) => withSignal(signal, run), catch: readFailure }).pipe(
      tracedCall({ operation, ...caller }),
    );

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
      call("ListAvailabilityDomains", async () => {
        const answer = await identity.listAvailabilityDomains({
          compartmentId: queryValue(compartmentId),
        });
        return answer.items.flatMap(({ name }) => (name === undefined ? [] : [name]));
      }),

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
