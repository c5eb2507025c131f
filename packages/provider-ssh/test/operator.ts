// An operator at home in a folder of its own: keys, configuration and known hosts, nothing of the machine.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import { makeContacts, type ContactOptions } from "../src/connect.ts";
import type { Surroundings } from "../src/ssh-config.ts";
import { temporaryFolder } from "./folder.ts";
import { makeKeyPair } from "./keys.ts";
import { me } from "./sshd.ts";

export const makeOperator = Effect.gen(function* () {
  const home = yield* temporaryFolder;
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  const key = join(home, ".ssh", "id_ed25519");
  const publicKey = makeKeyPair(key);
  const config = join(home, ".ssh", "config");
  const knownHosts = join(home, ".ssh", "known_hosts");
  writeFileSync(config, "");
  writeFileSync(knownHosts, "");
  const surroundings: Surroundings = {
    ...{ home, localUser: me, localHost: "localhost", uid: process.getuid?.() ?? 0, env: {} },
  };
  return {
    ...{ home, key, publicKey, config, knownHosts, surroundings },
    /** Also says that nothing is known but what stands in the operator's own files. */
    configure: (text: string) =>
      writeFileSync(config, `${text}\nHost *\n  GlobalKnownHostsFile none\n`),
    know: (...lines: ReadonlyArray<string>) => writeFileSync(knownHosts, `${lines.join("\n")}\n`),
    known: () => readFileSync(knownHosts, "utf8"),
    contacts: (options: Partial<ContactOptions> = {}) =>
      makeContacts({ configFile: config, surroundings, ...options }),
  };
});
