// Who may call, and what everybody else is told.

import { stat } from "node:fs/promises";
import { expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as common from "oci-common";
import {
  fingerprintOf,
  makeAccount,
  seedIds,
  writeAccount,
  type OciSimulator,
} from "../../src/oci/index.ts";
import {
  clientsOf,
  details,
  providerOf,
  refusalOf,
  simulated,
  temporaryFolder,
} from "./clients.ts";
import { sendSigned, type HandSigned } from "./signing.ts";

const list = `/20160918/instances?compartmentId=${seedIds.compartmentId}`;
const lastReason = (simulator: OciSimulator) => simulator.requests().at(-1)?.signatureFailure;
const get = (changes: Partial<HandSigned> = {}): HandSigned => ({
  method: "GET",
  target: list,
  ...changes,
});
const post = (changes: Partial<HandSigned> = {}): HandSigned => ({
  method: "POST",
  target: "/20160918/instances",
  body: JSON.stringify(details()),
  ...changes,
});

it.effect("serves what the official client signed [signature.accepted]", () =>
  simulated({}, async ({ simulator, compute, account }) => {
    const { items } = await compute.listInstances({ compartmentId: simulator.compartmentId });
    expect(items).toEqual([]);
    expect((await sendSigned(simulator.endpoint, account, get())).status).toBe(200);
    expect((await sendSigned(simulator.endpoint, account, post())).status).toBe(200);
    expect(simulator.requests().map((entry) => entry.operation)).toEqual([
      "ListInstances",
      "ListInstances",
      "LaunchInstance",
    ]);
  }),
);

it.effect("serves accounts read from a written config file, also encrypted", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder;
    const account = yield* Effect.promise(() => makeAccount({ passPhrase: "open sesame" }));
    yield* simulated({ accounts: [account] }, async ({ simulator }) => {
      const { configFile, keyFile } = await writeAccount(folder, account);
      expect((await stat(configFile)).mode & 0o777).toBe(0o600);
      expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
      expect(account.privateKeyPem).toContain("ENCRYPTED");
      expect(account.fingerprint).toBe(fingerprintOf(account.publicKey));
      const provider = new common.ConfigFileAuthenticationDetailsProvider(configFile, "DEFAULT");
      const { identity } = clientsOf(simulator.endpoint, provider);
      const { tenancy } = await identity.getTenancy({ tenancyId: account.tenancyId });
      expect(tenancy.id).toBe(account.tenancyId);
    });
  }),
);

it.effect("refuses another key and an unknown fingerprint [signature.key]", () =>
  simulated({}, async ({ simulator, account }) => {
    const stranger = await makeAccount();
    const wrongKey = clientsOf(simulator.endpoint, providerOf(account, stranger.privateKeyPem));
    const compartmentId = simulator.compartmentId;
    expect(await refusalOf(wrongKey.compute.listInstances({ compartmentId }))).toBe(
      "401 NotAuthenticated",
    );
    expect(lastReason(simulator)).toBe("wrong-signature");
    const unknown = clientsOf(simulator.endpoint, providerOf(stranger));
    expect(await refusalOf(unknown.compute.listInstances({ compartmentId }))).toBe(
      "401 NotAuthenticated",
    );
    expect(lastReason(simulator)).toBe("unknown-key");
    expect(simulator.requests().at(-1)?.signatureDetail).toContain(stranger.fingerprint);
  }),
);

it.effect("refuses a body that is not the one signed [signature.digest]", () =>
  simulated({}, async ({ simulator, account }) => {
    const body = JSON.stringify(details({ displayName: "web-1" }));
    const sentBody = JSON.stringify(details({ displayName: "web-2" }));
    const answer = await sendSigned(simulator.endpoint, account, post({ body, sentBody }));
    expect(answer.status).toBe(401);
    expect(lastReason(simulator)).toBe("wrong-digest");
    const longer = await sendSigned(simulator.endpoint, account, post({ sentBody: `${body} ` }));
    expect(longer.status).toBe(401);
    expect(lastReason(simulator)).toBe("wrong-digest");
    expect(simulator.journal()).toEqual([]);
  }),
);

it.effect("refuses a changed query or date", () =>
  simulated({}, async ({ simulator, account }) => {
    const other = await sendSigned(
      simulator.endpoint,
      account,
      get({ sentTarget: `${list}&limit=1` }),
    );
    expect(other.status).toBe(401);
    expect(lastReason(simulator)).toBe("wrong-signature");
    const replayed = await sendSigned(
      simulator.endpoint,
      account,
      get({ headers: { "x-date": new Date(Date.now() - 60_000).toUTCString() } }),
    );
    expect(replayed.status).toBe(401);
    expect(lastReason(simulator)).toBe("wrong-signature");
  }),
);

it.effect("refuses when a header is not signed or not there [signature.headers]", () =>
  simulated({}, async ({ simulator, account }) => {
    const wrong: ReadonlyArray<readonly [HandSigned, string]> = [
      [get({ signedHeaders: ["x-date", "host"] }), "(request-target)"],
      [get({ signedHeaders: ["x-date", "(request-target)"] }), "host"],
      [get({ signedHeaders: ["(request-target)", "host"] }), "date"],
      [
        post({
          signedHeaders: ["x-date", "(request-target)", "host", "content-length", "content-type"],
        }),
        "x-content-sha256",
      ],
    ];
    for (const [request, header] of wrong) {
      expect((await sendSigned(simulator.endpoint, account, request)).status).toBe(401);
      expect(lastReason(simulator)).toBe("header-not-signed");
      expect(simulator.requests().at(-1)?.signatureDetail).toBe(header);
    }
    const names = ["x-date", "(request-target)", "host", "x-absent"];
    const absent = await sendSigned(simulator.endpoint, account, get({ signedHeaders: names }));
    expect(absent.status).toBe(401);
    expect(lastReason(simulator)).toBe("header-missing");
  }),
);

it.effect("refuses other schemes, versions and algorithms [signature.scheme]", () =>
  simulated({}, async ({ simulator, account }) => {
    const wrong: ReadonlyArray<readonly [(text: string) => string, string]> = [
      [() => "Bearer token", "not-a-signature"],
      [(text) => text.replace('version="1",', ""), "wrong-version"],
      [(text) => text.replace("rsa-sha256", "hmac-sha256"), "wrong-algorithm"],
      [(text) => `${text},keyId="other"`, "not-a-signature"],
    ];
    for (const [rewrite, reason] of wrong) {
      const answer = await sendSigned(simulator.endpoint, account, get({ rewrite }));
      expect(answer.status).toBe(401);
      expect(lastReason(simulator)).toBe(reason);
    }
  }),
);

it.effect("refuses a clock six minutes off in either direction [signature.clock]", () =>
  simulated({}, async ({ simulator, account }) => {
    for (const minutes of [-6, 6]) {
      const date = new Date(Date.now() + minutes * 60_000);
      expect((await sendSigned(simulator.endpoint, account, get({ date }))).status).toBe(401);
      expect(lastReason(simulator)).toBe("clock-skew");
    }
    for (const minutes of [-4, 4]) {
      const date = new Date(Date.now() + minutes * 60_000);
      expect((await sendSigned(simulator.endpoint, account, get({ date }))).status).toBe(200);
    }
  }),
);

it.effect("checks the clock against the wall clock, not the simulator's", () =>
  simulated({ wallClock: () => Date.now() + 360_000 }, async ({ simulator, compute }) => {
    const compartmentId = simulator.compartmentId;
    expect(await refusalOf(compute.listInstances({ compartmentId }))).toBe("401 NotAuthenticated");
    expect(lastReason(simulator)).toBe("clock-skew");
  }),
);

it.effect("never tells the client the reason [signature.silent]", () =>
  simulated({}, async ({ simulator, account }) => {
    const wrong = [
      get({ keyId: "a/b/c" }),
      get({ date: new Date(0) }),
      get({ signedHeaders: ["x-date"] }),
      get({ rewrite: () => "" }),
    ];
    for (const request of wrong) {
      expect((await sendSigned(simulator.endpoint, account, request)).body).toEqual({
        code: "NotAuthenticated",
        message:
          "The required information to complete authentication was not provided or was incorrect.",
      });
    }
    expect(new Set(simulator.requests().map((entry) => entry.signatureFailure)).size).toBe(4);
  }),
);
