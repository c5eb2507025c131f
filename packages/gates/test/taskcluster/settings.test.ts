// Whom Taskcluster's variables name, and that no fault tells what stands in one.

import { assert, describe, it } from "@effect/vitest";
import * as Redacted from "effect/Redacted";
import * as Result from "effect/Result";
import { taskclusterSettings } from "../../src/taskcluster/settings.ts";

const rootUrl = "https://tc.example.test";
const secret = "s3cret-of-ours";

const read = (env: Readonly<Record<string, string>>) => taskclusterSettings(env);

const faultOf = (env: Readonly<Record<string, string>>) => {
  const fault = Result.getOrThrow(Result.flip(read(env)));
  assert.notInclude(JSON.stringify(fault), secret);
  return fault.message;
};

describe("Taskcluster's variables", () => {
  it("name nobody without a root URL, whatever else they say", () => {
    assert.isNull(Result.getOrThrow(read({ TASKCLUSTER_ACCESS_TOKEN: secret })));
    assert.isNull(Result.getOrThrow(read({ TASKCLUSTER_ROOT_URL: "" })));
  });

  it("name a deployment, asked by nobody in particular", () => {
    assert.deepStrictEqual(Result.getOrThrow(read({ TASKCLUSTER_ROOT_URL: `${rootUrl}/` })), {
      rootUrl,
      credentials: null,
    });
  });

  it("name a client, whose secrets are not shown", () => {
    const settings = Result.getOrThrow(
      read({
        TASKCLUSTER_ROOT_URL: rootUrl,
        TASKCLUSTER_CLIENT_ID: "mozilla-auth0/ad|Mozilla-LDAP|ann/roll-call_1",
        TASKCLUSTER_ACCESS_TOKEN: secret,
        TASKCLUSTER_CERTIFICATE: `{"seed":"${secret}"}`,
      }),
    );
    const credentials = settings!.credentials!;
    assert.strictEqual(Redacted.value(credentials.accessToken), secret);
    assert.strictEqual(Redacted.value(credentials.certificate!), `{"seed":"${secret}"}`);
    assert.notInclude(JSON.stringify(settings), secret);
  });

  it("are refused by name where they cannot be used", () => {
    const client = { TASKCLUSTER_CLIENT_ID: "a/b", TASKCLUSTER_ACCESS_TOKEN: secret };
    for (const url of [
      "tc",
      "ftp://tc.test",
      `https://${secret}@tc.test`,
      `https://a/?${secret}`,
    ]) {
      assert.include(faultOf({ TASKCLUSTER_ROOT_URL: url }), "TASKCLUSTER_ROOT_URL is no address");
    }
    const at = { TASKCLUSTER_ROOT_URL: rootUrl };
    assert.include(
      faultOf({ ...at, TASKCLUSTER_ACCESS_TOKEN: secret }),
      "TASKCLUSTER_CLIENT_ID is missing",
    );
    assert.include(
      faultOf({ ...at, TASKCLUSTER_CLIENT_ID: "a/b" }),
      "TASKCLUSTER_ACCESS_TOKEN is missing",
    );
    for (const id of [`a"${secret}`, "a\nb", "a\\b", "ä"]) {
      assert.include(
        faultOf({ ...at, ...client, TASKCLUSTER_CLIENT_ID: id }),
        "TASKCLUSTER_CLIENT_ID is no client id",
      );
    }
    for (const certificate of [secret, "7", "[]", "null", `{"a":"${secret}"`]) {
      assert.include(
        faultOf({ ...at, ...client, TASKCLUSTER_CERTIFICATE: certificate }),
        "TASKCLUSTER_CERTIFICATE is not the JSON",
      );
    }
  });
});
