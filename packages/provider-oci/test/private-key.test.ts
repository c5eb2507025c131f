// Holds which key files may sign, and that the refusals show nothing of them.

import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { promisify } from "node:util";
import { assert, describe, it } from "@effect/vitest";
import { makeAccount, fingerprintOf as simulatorFingerprint } from "@muster/testkit/oci/index";
import { readPrivateKey } from "../src/private-key.ts";

const run = promisify(execFile);

/** On CI its absence is a failure, elsewhere the tests that need it are skipped loudly. */
const hasOpenssl = await run("openssl", ["version"]).then(
  () => true,
  () => {
    if (process.env["CI"]) throw new Error("openssl must be installed on CI");
    console.warn("SKIPPED: openssl is not installed, so its tests cannot run");
    return false;
  },
);

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = (type: "pkcs1" | "pkcs8", passphrase?: string): string =>
  privateKey.export({
    type,
    format: "pem",
    ...(passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase }),
  }) as string;

describe("a private key", () => {
  for (const type of ["pkcs1", "pkcs8"] as const) {
    it(`is read as ${type}, plain and encrypted`, () => {
      for (const reading of [
        readPrivateKey(pem(type), undefined),
        readPrivateKey(pem(type, "open sesame"), "open sesame"),
        readPrivateKey(`${pem(type)}OCI_API_KEY\n`, undefined),
      ]) {
        assert.isTrue(reading.ok);
        if (!reading.ok) return;
        assert.strictEqual(reading.fingerprint, simulatorFingerprint(publicKey));
        assert.notInclude(reading.pem, "ENCRYPTED");
      }
    });
  }

  it.skipIf(!hasOpenssl)("has the fingerprint that openssl computes", async () => {
    const account = await makeAccount();
    const reading = readPrivateKey(account.privateKeyPem, undefined);
    const der = account.publicKey.export({ type: "spki", format: "der" });
    const child = run("openssl", ["dgst", "-md5", "-c"]);
    child.child.stdin?.end(der);
    const { stdout } = await child;
    assert.isTrue(reading.ok && stdout.trim().endsWith(reading.fingerprint));
  });
});

describe("what cannot sign", () => {
  const openSsh = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n";

  it("is refused with its reason", () => {
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const rows: ReadonlyArray<readonly [string, string | undefined, string]> = [
      ["", undefined, "empty"],
      ["hello", undefined, "not a private key"],
      [publicKey.export({ type: "spki", format: "pem" }) as string, undefined, "public key"],
      [openSsh, undefined, "OpenSSH"],
      [ec.export({ type: "pkcs8", format: "pem" }) as string, undefined, "not an RSA"],
      [pem("pkcs8").replace(/M/g, "A"), undefined, "damaged"],
      [pem("pkcs8", "right"), undefined, "no pass_phrase"],
      [pem("pkcs8", "right"), "wrong", "does not open"],
      [pem("pkcs1", "right"), "wrong", "does not open"],
    ];
    for (const [text, passPhrase, said] of rows) {
      const reading = readPrivateKey(text, passPhrase);
      assert.isFalse(reading.ok, said);
      if (reading.ok) continue;
      assert.include(reading.fault.summary, said);
      assert.notInclude(JSON.stringify(reading), 'wrong"');
    }
  });
});
