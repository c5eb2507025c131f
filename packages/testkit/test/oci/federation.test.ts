// How an instance proves what it is, and how long a token counts.

import { expect, it, vi } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as common from "oci-common";
import {
  makeAccount,
  makeInstanceIdentity,
  seedIds,
  type InstanceIdentity,
  type OciSimulator,
  type SimulatorAccount,
} from "../../src/oci/index.ts";
import { clientsOf, refusalOf, simulated } from "./clients.ts";
import { sendSigned } from "./signing.ts";

// The SDK writes every refused token to the console; here refusals are what is tested.
vi.spyOn(console, "log").mockImplementation(() => {});

const identity = makeInstanceIdentity();
const compartmentId = seedIds.compartmentId;

const withInstance = (
  options: { readonly wallClock?: () => number; readonly tokenLifeSeconds?: number },
  body: (simulator: OciSimulator, instance: InstanceIdentity) => Promise<unknown>,
) =>
  Effect.flatMap(
    Effect.promise(() => identity),
    (instance) => simulated({ ...options, instance }, ({ simulator }) => body(simulator, instance)),
  );

const principalOf = async (metadata: string, federation: string) => {
  const builder = new common.InstancePrincipalsAuthenticationDetailsProviderBuilder();
  builder.metadataBaseUrl = `${metadata}/opc/v2/`;
  builder.federationEndpoint = federation;
  return builder.build();
};

const lastReason = (simulator: OciSimulator) => simulator.requests().at(-1)?.signatureFailure;

it.effect("serves what the official instance principal signed [auth.federation]", () =>
  withInstance({}, async ({ endpoint, requests }) => {
    const { compute } = clientsOf(endpoint, await principalOf(endpoint, endpoint));
    expect((await compute.listInstances({ compartmentId })).items).toEqual([]);
    expect(requests().map(({ operation }) => operation)).toContain("GetToken");
  }),
);

it.effect("answers metadata only with its header [auth.metadata]", () =>
  withInstance({}, async ({ endpoint }, instance) => {
    const ask = (path: string, headers: Readonly<Record<string, string>>, method = "GET") =>
      fetch(`${endpoint}/opc/v2/${path}`, { headers, method });
    const oracle = { authorization: "Bearer Oracle" };
    expect((await ask("instance/region", {})).status).toBe(401);
    expect((await ask("identity/key.pem", { authorization: "Bearer" })).status).toBe(401);
    expect((await ask("instance/region", oracle, "POST")).status).toBe(405);
    expect((await ask("instance/other", oracle)).status).toBe(404);
    expect(await (await ask("instance/region", oracle)).text()).toBe("phx");
    expect(await (await ask("instance/regionInfo", oracle)).json()).toEqual({
      realmKey: "oc1",
      realmDomainComponent: "oraclecloud.com",
      regionKey: "PHX",
      regionIdentifier: "us-phoenix-1",
    });
    expect(await (await ask("identity/cert.pem", oracle)).text()).toBe(instance.certificatePem);
  }),
);

it.effect("has no metadata without a machine", () =>
  simulated({}, async ({ simulator }) => {
    const headers = { authorization: "Bearer Oracle" };
    const { status } = await fetch(`${simulator.endpoint}/opc/v2/instance/region`, { headers });
    expect(status).toBe(401);
  }),
);

it.effect("gives no token to another certificate, key or clock", () =>
  Effect.gen(function* () {
    const stranger = yield* Effect.promise(() => makeInstanceIdentity());
    const strangers: ReadonlyArray<readonly [Partial<InstanceIdentity>, string | undefined]> = [
      [stranger, "unknown-key"],
      [{ keyPem: stranger.keyPem }, "wrong-signature"],
      [{ intermediatePem: stranger.intermediatePem }, undefined],
    ];
    yield* withInstance({}, async (simulator, instance) => {
      for (const [changes, reason] of strangers) {
        // Whoever it is has a metadata service of its own.
        await Effect.runPromise(
          simulated({ instance: { ...instance, ...changes } }, async ({ simulator: other }) => {
            const { compute } = clientsOf(
              simulator.endpoint,
              await principalOf(other.endpoint, simulator.endpoint),
            );
            expect(await refusalOf(compute.listInstances({ compartmentId }))).not.toBe("accepted");
            expect(simulator.requests().at(-1)?.operation).toBe("GetToken");
            expect(lastReason(simulator)).toBe(reason);
          }).pipe(Effect.scoped),
        );
      }
      expect(simulator.tokens.issued()).toBe(0);
    });
    yield* withInstance({ wallClock: () => Date.now() + 600_000 }, async (simulator) => {
      const { endpoint } = simulator;
      const { compute } = clientsOf(endpoint, await principalOf(endpoint, endpoint));
      expect(await refusalOf(compute.listInstances({ compartmentId }))).not.toBe("accepted");
      expect(lastReason(simulator)).toBe("clock-skew");
    });
  }),
);

const list = { method: "GET", target: `/20160918/instances?compartmentId=${compartmentId}` };

const refreshOf = (endpoint: string, account: SimulatorAccount, token: string, current = token) =>
  sendSigned(endpoint, account, {
    method: "POST",
    target: "/v1/authentication/refresh",
    body: JSON.stringify({ currentToken: current }),
    keyId: `ST$${token}`,
  });

it.effect("takes a token with its own key until it ends [signature.token]", () =>
  Effect.gen(function* () {
    let ahead = 0;
    yield* simulated(
      { wallClock: () => Date.now() + ahead, tokenLifeSeconds: 60 },
      async ({ simulator, account }) => {
        const { endpoint, tokens } = simulator;
        const other = await makeAccount();
        const token = tokens.signIn(account);
        const send = (by: SimulatorAccount, keyId: string) =>
          sendSigned(endpoint, by, { ...list, keyId });
        expect((await send(account, `ST$${token}`)).status).toBe(200);
        const [head = "", claims = ""] = token.split(".");
        const wrong = [
          [other, `ST$${token}`, "wrong-signature"],
          [account, "ST$", "token-unknown"],
          [account, `ST$${head}.${claims}.${"0".repeat(43)}`, "token-unknown"],
        ] as const;
        for (const [by, keyId, reason] of wrong) {
          expect((await send(by, keyId)).status).toBe(401);
          expect(lastReason(simulator)).toBe(reason);
        }
        ahead = 61_000;
        expect((await send(account, `ST$${token}`)).status).toBe(401);
        expect(lastReason(simulator)).toBe("token-expired");
        const next = tokens.signIn(account);
        tokens.revoke();
        expect((await send(account, `ST$${next}`)).status).toBe(401);
        expect(lastReason(simulator)).toBe("token-unknown");
      },
    );
  }),
);

it.effect("refreshes a token that still lives, for the same key [auth.refresh]", () =>
  Effect.gen(function* () {
    let ahead = 0;
    yield* simulated(
      { wallClock: () => Date.now() + ahead, tokenLifeSeconds: 60 },
      async ({ simulator, account }) => {
        const { endpoint, tokens } = simulator;
        const token = tokens.signIn(account);
        ahead = 30_000;
        const answer = await refreshOf(endpoint, account, token);
        expect(answer.status).toBe(200);
        const next = (answer.body as { readonly token: string }).token;
        expect((await refreshOf(endpoint, account, token, "other")).status).toBe(401);
        ahead = 61_000;
        expect((await refreshOf(endpoint, account, token)).status).toBe(401);
        const request = { ...list, keyId: `ST$${next}` };
        expect((await sendSigned(endpoint, account, request)).status).toBe(200);
        tokens.allow(false);
        expect((await refreshOf(endpoint, account, next)).status).toBe(401);
      },
    );
  }),
);
