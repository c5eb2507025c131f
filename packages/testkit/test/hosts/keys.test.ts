// Holds that every key of a simulated host is one that ssh2 and OpenSSH can read.

import { expect, it } from "@effect/vitest";
import ssh2 from "ssh2";
import { makeKeyPair } from "../../src/hosts/keys.ts";

it("makes keys that ssh2 reads, signs with and knows again", () => {
  for (let round = 0; round < 500; round += 1) {
    const { privateKey, publicKey } = makeKeyPair();
    const [secret, open] = [ssh2.utils.parseKey(privateKey), ssh2.utils.parseKey(publicKey)];
    if (secret instanceof Error || open instanceof Error) throw new Error(`not read: ${publicKey}`);
    const signature = secret.sign("something");
    expect(open.verify("something", signature)).toBe(true);
    expect(secret.getPublicSSH().equals(open.getPublicSSH())).toBe(true);
  }
});
