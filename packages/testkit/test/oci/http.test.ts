// What the service answers whatever the operation: paths, bodies, ids, throttling.

import { expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeAccount, seedIds, throwawayAccount } from "../../src/oci/index.ts";
import { clientsOf, providerOf, refusalOf, simulated } from "./clients.ts";
import { sendSigned } from "./signing.ts";

const { compartmentId } = seedIds;

it.effect("tells an unknown path from a wrong method [http.path]", () =>
  simulated({}, async ({ simulator, account }) => {
    const ask = async (method: string, target: string) => {
      const { status, body } = await sendSigned(simulator.endpoint, account, { method, target });
      return { status, code: (body as { readonly code?: string }).code };
    };
    const notFound = { status: 404, code: "NotFound" };
    expect(await ask("GET", "/20160918/nowhere")).toEqual(notFound);
    expect(await ask("GET", "/20990101/instances")).toEqual(notFound);
    expect(await ask("GET", "/instances")).toEqual(notFound);
    const notAllowed = { status: 405, code: "MethodNotAllowed" };
    expect(await ask("DELETE", "/20160918/instances")).toEqual(notAllowed);
    expect(await ask("PUT", "/20160918/images/x")).toEqual(notAllowed);
  }),
);

it.effect("refuses bodies that are too large or not JSON [http.body]", () =>
  simulated({}, async ({ simulator, account }) => {
    const post = (body: string) =>
      sendSigned(simulator.endpoint, account, {
        method: "POST",
        target: "/20160918/instances",
        body,
      });
    expect(await post("{")).toMatchObject({ status: 400, body: { code: "CannotParseRequest" } });
    expect(await post("[]")).toMatchObject({ status: 400, body: { code: "CannotParseRequest" } });
    const large = await post(JSON.stringify({ displayName: "x".repeat(1024 * 1024) }));
    expect(large.status).toBe(413);
    expect(simulator.journal()).toEqual([]);
  }),
);

it.effect("extends the client's request id, also on errors [http.request-id]", () =>
  simulated({}, async ({ simulator, account, compute }) => {
    const target = `/20160918/instances?compartmentId=${compartmentId}`;
    const answer = await sendSigned(simulator.endpoint, account, {
      method: "GET",
      target,
      headers: { "opc-request-id": "mine" },
    });
    expect(answer.headers.get("opc-request-id")).toMatch(/^mine\/[0-9A-F]{32}\/[0-9A-F]{32}$/);
    expect(simulator.requests()[0]?.requestId).toBe(answer.headers.get("opc-request-id"));
    const call = compute.getInstance({ instanceId: "ocid1.instance.x" });
    await expect(call).rejects.toMatchObject({
      opcRequestId: expect.stringMatching(/^[^/]+\/[0-9A-F]{32}\/[0-9A-F]{32}$/),
    });
  }),
);

it.effect("throttles each user alone, without retry-after [throttle]", () =>
  simulated({ throttle: { perSecond: 1, burst: 2 } }, async ({ simulator, compute, account }) => {
    const list = () => refusalOf(compute.listInstances({ compartmentId }));
    expect([await list(), await list(), await list()]).toEqual([
      "accepted",
      "accepted",
      "429 TooManyRequests",
    ]);
    const target = `/20160918/instances?compartmentId=${compartmentId}`;
    const refused = await sendSigned(simulator.endpoint, account, { method: "GET", target });
    expect(refused).toMatchObject({
      status: 429,
      body: { code: "TooManyRequests", message: "Too many requests for the user" },
    });
    expect(refused.headers.get("retry-after")).toBe(null);
    simulator.advance(1_000);
    expect([await list(), await list()]).toEqual(["accepted", "429 TooManyRequests"]);
  }),
);

it.effect("counts each user's requests apart and may send retry-after [throttle]", () =>
  Effect.gen(function* () {
    const one = yield* Effect.promise(() => throwawayAccount());
    const other = yield* Effect.promise(() => makeAccount({ userId: "ocid1.user.oc1..other" }));
    const throttle = { perSecond: 1, burst: 1, retryAfterSeconds: 7 };
    yield* simulated({ accounts: [one, other], throttle }, async ({ simulator, compute }) => {
      const theirs = clientsOf(simulator.endpoint, providerOf(other)).compute;
      const list = (client: typeof compute) => refusalOf(client.listInstances({ compartmentId }));
      expect([await list(compute), await list(compute)]).toEqual([
        "accepted",
        "429 TooManyRequests",
      ]);
      expect(await list(theirs)).toBe("accepted");
      const target = `/20160918/instances?compartmentId=${compartmentId}`;
      const refused = await sendSigned(simulator.endpoint, one, { method: "GET", target });
      expect(refused.headers.get("retry-after")).toBe("7");
    });
  }),
);
