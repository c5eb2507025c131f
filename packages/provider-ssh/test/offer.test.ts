// Holds that a look at a host's key is a handshake alone, also through another host, whatever is known of it.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { fingerprintOf, typeOfKeyBytes } from "../src/known-hosts.ts";
import { makeOperator } from "./operator.ts";
import { sshdPath, startSshd } from "./sshd.ts";

const bytesOf = (line: string): Buffer => Buffer.from(line.split(" ")[1]!, "base64");

describe.skipIf(sshdPath === undefined)("the key of a host", () => {
  it.live("is seen behind another host, which is held to its own key as ever", () =>
    Effect.gen(function* () {
      const operator = yield* makeOperator;
      const between = yield* startSshd({ authorized: [operator.publicKey] });
      const target = yield* startSshd({ authorized: [operator.publicKey] });
      operator.configure(
        [
          ...["Host target", "  HostName 127.0.0.1", `  Port ${target.port}`],
          `  ProxyJump 127.0.0.1:${between.port}`,
        ].join("\n"),
      );
      const knownBetween = `[127.0.0.1]:${between.port} ${between.hostKeys["ed25519"]}`;
      operator.know(knownBetween);
      const contacts = yield* operator.contacts();
      const offer = yield* contacts.offer({ host: "target" });
      const key = bytesOf(target.hostKeys["ed25519"]!);
      expect(fingerprintOf(offer.key)).toBe(fingerprintOf(key));
      expect(typeOfKeyBytes(offer.key)).toBe("ssh-ed25519");
      yield* between.logged(/Accepted publickey/);
      // The end of the connection is in the log: nobody had been named until then.
      yield* target.logged(/Connection (?:closed|reset) by/);
      expect(target.log()).not.toMatch(/publickey|user/);
      expect(operator.known()).toBe(`${knownBetween}\n`);
      operator.know("");
      const fresh = yield* operator.contacts();
      const refused = yield* Effect.flip(fresh.offer({ host: "target" }));
      expect(refused.reason).toBe("hostkey-unknown");
      expect(refused.message).toContain("on the way");
    }).pipe(Effect.scoped),
  );

  it.live("is that of the type that is known, where the host has several", () =>
    Effect.gen(function* () {
      const operator = yield* makeOperator;
      operator.configure("");
      const sshd = yield* startSshd({ authorized: [], hostKeyTypes: ["ed25519", "ecdsa"] });
      const other = yield* startSshd({ authorized: [], hostKeyTypes: ["ecdsa"] });
      operator.know(`[127.0.0.1]:${sshd.port} ${other.hostKeys["ecdsa"]}`);
      const contacts = yield* operator.contacts();
      const offer = yield* contacts.offer({ host: "127.0.0.1", port: sshd.port });
      expect(fingerprintOf(offer.key)).toBe(fingerprintOf(bytesOf(sshd.hostKeys["ecdsa"]!)));
    }).pipe(Effect.scoped),
  );
});
