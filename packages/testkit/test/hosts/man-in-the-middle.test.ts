// Holds that a man in the middle gets all from a client that looks at no key, and is told apart by one that does.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { startManInTheMiddle } from "../../src/hosts/index.ts";
import { ssh, sshPresent } from "./openssh.ts";
import { peers } from "../../src/hosts/peers.ts";

for (const { peer, missing, start } of peers) {
  describe.skipIf(missing || !sshPresent())(`before ${peer} hosts`, () => {
    it.live("a man in the middle hears all of who trusts him, and nothing of who does not", () =>
      Effect.gen(function* () {
        const fleet = yield* start({ hosts: [{ name: "web-1", role: "gecko" }] });
        const man = yield* startManInTheMiddle({ fleet, host: "web-1" });
        const way = [`HostName=${man.address}`, `Port=${man.port}`, "HostKeyAlias=web-1"];
        const trusting = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
        const trusted = yield* ssh(fleet, "web-1", "cat /etc/puppet_role", {
          options: [...way, ...trusting],
        });
        expect(trusted).toMatchObject({ code: 0, stdout: "gecko\n" });
        expect(yield* man.sent).toEqual([
          ...["service", "auth none", "auth publickey", "auth publickey", "signature"],
          ...["session", "exec cat /etc/puppet_role"],
        ]);
        expect((yield* fleet.host("web-1").counts).execs).toBe(1);

        const known = join(fleet.folder, "known_web");
        writeFileSync(known, `web-1 ${fleet.host("web-1").hostKey}\n`);
        const claiming = yield* startManInTheMiddle({ fleet, host: "web-1", shows: "claimed" });
        const refusals = [
          [man, /IDENTIFICATION HAS CHANGED/u],
          [claiming, /incorrect signature|bad signature/iu],
        ] as const;
        for (const [other, why] of refusals) {
          const before = (yield* other.sent).length;
          const strict = yield* ssh(fleet, "web-1", "true", {
            options: [
              ...[`HostName=${other.address}`, `Port=${other.port}`, "HostKeyAlias=web-1"],
              `UserKnownHostsFile=${known}`,
            ],
          });
          expect(strict.code).toBe(255);
          expect(strict.stderr).toMatch(why);
          expect((yield* other.sent).length).toBe(before);
        }
      }),
    );
  });
}
