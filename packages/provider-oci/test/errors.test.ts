// Holds the error table: one row per kind of failure, and what is never told.

import { assert, describe, it } from "@effect/vitest";
import * as Common from "oci-common";
import type { ProviderReason } from "@muster/core/words/provider";
import {
  hasMoved,
  isAbsent,
  isForbidden,
  isSpentToken,
  providerErrorOf,
  readFailure,
  saysExhausted,
} from "../src/errors.ts";
import { CallFailed } from "../src/transport.ts";

const context = { operation: "LaunchInstance", region: "us-phoenix-1", account: "profile X" };

const ociError = (status: number | string, code: string, message = "words"): Common.OciError =>
  new Common.OciError(
    status as number,
    code,
    message,
    "REQ/1",
    "Compute",
    "launchInstance",
    "2026-01-01T00:00:00Z",
    "POST https://iaas",
    "link",
  );

const judge = (thrown: unknown) => providerErrorOf(context, readFailure(thrown));

describe("the error table", () => {
  const rows: ReadonlyArray<readonly [number, string, string, ProviderReason]> = [
    [400, "CannotParseRequest", "words", "Invalid"],
    [400, "InvalidParameter", "words", "Invalid"],
    [400, "InvalidParameter", "the name 'Out of capacity' is taken", "Invalid"],
    [400, "MissingParameter", "words", "Invalid"],
    [400, "LimitExceeded", "words", "Exhausted"],
    [400, "QuotaExceeded", "words", "Exhausted"],
    [400, "RelatedResourceNotAuthorizedOrNotFound", "words", "Denied"],
    [400, "InsufficientServicePermissions", "words", "Denied"],
    [400, "ResourceDisabled", "words", "Denied"],
    [401, "NotAuthenticated", "words", "Denied"],
    [403, "NotAuthorized", "words", "Denied"],
    [403, "NotAllowed", "words", "Denied"],
    [404, "NotAuthorizedOrNotFound", "words", "Denied"],
    [404, "NotFound", "words", "Denied"],
    [405, "MethodNotAllowed", "words", "Denied"],
    [408, "RequestTimeout", "words", "Unreachable"],
    [409, "IncorrectState", "words", "Throttled"],
    [409, "Conflict", "words", "Denied"],
    [409, "Conflict", "The resource is currently being modified.", "Throttled"],
    [409, "Conflict", "Busy, try again later.", "Throttled"],
    [409, "InvalidatedRetryToken", "words", "Conflict"],
    [409, "NotAuthorizedOrResourceAlreadyExists", "words", "Throttled"],
    [409, "LimitExceeded", "words", "Exhausted"],
    [412, "NoEtagMatch", "words", "Conflict"],
    [413, "RequestEntityTooLarge", "words", "Invalid"],
    [429, "TooManyRequests", "Too many requests for the user", "Throttled"],
    [500, "InternalError", "Out of host capacity.", "Exhausted"],
    [500, "InternalError", "Out of capacity for shape in availability domain.", "Exhausted"],
    [500, "InternalError", "Internal error.", "Unreachable"],
    [500, "InternalServerError", "words", "Unreachable"],
    [502, "None", "<html>bad gateway</html>", "Unreachable"],
    [503, "ServiceUnavailable", "words", "Unreachable"],
    [504, "None", "words", "Unreachable"],
    [302, "None", "Found", "Unreachable"],
  ];
  for (const [status, code, message, reason] of rows) {
    it(`reads ${status} ${code} (${message.slice(0, 24)}) as ${reason}`, () => {
      const error = judge(ociError(status, code, message));
      assert.strictEqual(error.reason, reason);
      assert.strictEqual(error.requestId, "REQ/1");
      assert.strictEqual(error.operation, "LaunchInstance");
      assert.isUndefined(error.occupantDead);
      // Whoever must act is told how.
      if (["Denied", "Exhausted", "Invalid"].includes(reason)) assert.isString(error.remedy);
    });
  }
});

describe("the kinds of things that the SDK throws", () => {
  it("reads the plain object of a network failure", () => {
    const error = judge({ code: undefined, message: "fetch failed", requestEndpoint: "POST x" });
    assert.strictEqual(error.reason, "Unreachable");
    assert.strictEqual(error.message, "fetch failed");
  });

  it("reads the error of a run time that cut an answer", () => {
    assert.strictEqual(judge(new TypeError("terminated")).reason, "Unreachable");
  });

  it("reads an open breaker, whose status is a text", () => {
    const error = judge(ociError("EOPENBREAKER", "unknown code"));
    assert.strictEqual(error.reason, "Unreachable");
  });

  it("reads texts, nothing at all and things without a message", () => {
    for (const thrown of ["service is disabled", undefined, null, 7, {}, { message: 3 }]) {
      assert.strictEqual(judge(thrown).reason, "Unreachable");
    }
    assert.strictEqual(judge("service is disabled").message, "service is disabled");
  });
});

describe("what is said", () => {
  it("names the region when a name does not resolve", () => {
    const error = judge(new CallFailed("getaddrinfo", { serviceCode: "ENOTFOUND" }));
    assert.strictEqual(error.reason, "Unreachable");
    assert.include(error.remedy ?? "", "us-phoenix-1");
  });

  it("tells a wrong clock from other reasons of a 401", () => {
    const refused = { statusCode: 401, serviceCode: "NotAuthenticated" };
    const skewed = judge(new CallFailed("no", { ...refused, clockAheadMillis: 12 * 60_000 }));
    assert.include(skewed.remedy ?? "", "12 minutes behind");
    const fast = judge(new CallFailed("no", { ...refused, clockAheadMillis: -7 * 60_000 }));
    assert.include(fast.remedy ?? "", "7 minutes ahead of");
    const other = judge(new CallFailed("no", { ...refused, clockAheadMillis: 900 }));
    assert.include(other.remedy ?? "", "API key");
  });

  it("keeps the server's word on waiting", () => {
    const thrown = new CallFailed("slow down", { statusCode: 429, retryAfterMillis: 7_000 });
    assert.strictEqual(judge(thrown).retryAfterMillis, 7_000);
    assert.isUndefined(judge(ociError(429, "TooManyRequests")).retryAfterMillis);
  });

  it("says how long it waited", () => {
    const error = judge(new CallFailed("timed out", { timedOutAfterMillis: 60_000 }));
    assert.strictEqual(error.reason, "Unreachable");
    assert.strictEqual(error.message, "no answer within 60 s");
  });

  it("escapes and cuts the provider's words", () => {
    const error = judge(
      ociError(400, "Invalid\u001bParameter", `\u001b[2Jgone\u202e${"x".repeat(9_000)}`),
    );
    assert.notInclude(error.message, "\u001b");
    assert.notInclude(error.message, "\u202e");
    assert.isBelow(error.message.length, 800);
  });
});

describe("answers that their callers treat as more than errors", () => {
  it("tells them apart by status and code", () => {
    assert.isTrue(isAbsent(readFailure(ociError(404, "NotAuthorizedOrNotFound"))));
    assert.isFalse(isAbsent(readFailure(ociError(404, "NotFound"))));
    assert.isTrue(isSpentToken(readFailure(ociError(409, "InvalidatedRetryToken"))));
    assert.isFalse(isSpentToken(readFailure(ociError(409, "Conflict"))));
    assert.isTrue(hasMoved(readFailure(ociError(412, "NoEtagMatch"))));
    assert.isTrue(hasMoved(readFailure(ociError(409, "IncorrectState"))));
    assert.isTrue(hasMoved(readFailure(ociError(409, "Conflict"))));
    assert.isFalse(hasMoved(readFailure(ociError(409, "InvalidatedRetryToken"))));
    assert.isTrue(isForbidden(readFailure(ociError(404, "NotAuthorizedOrNotFound"))));
    assert.isTrue(isForbidden(readFailure(ociError(403, "NotAuthorized"))));
    assert.isFalse(isForbidden(readFailure(ociError(404, "NotFound"))));
    assert.isFalse(hasMoved(readFailure(ociError(409, "InvalidatedRetryToken"))));
  });

  it("knows the words of exhaustion", () => {
    assert.isTrue(saysExhausted("InternalError", "Out of host capacity."));
    assert.isTrue(saysExhausted("QuotaExceeded", ""));
    assert.isFalse(saysExhausted("InternalError", "the capacity report is out"));
    assert.isFalse(saysExhausted("InvalidParameter", "no image is called Out of capacity"));
  });
});
