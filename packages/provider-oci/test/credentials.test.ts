// Holds as whom muster calls, who may choose that, and that no fault shows a secret.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import type { ProviderError } from "@muster/core/words/provider";
import { makeAccount, throwawayAccount, writeAccount } from "@muster/testkit/oci/index";
import {
  chooseAccount,
  expandPath,
  isRegion,
  readUserCredentials,
  type CredentialOptions,
  type Env,
} from "../src/credentials.ts";
import { makeFolder } from "./fleet.ts";

const options = (env: Env = {}, changes: Partial<CredentialOptions> = {}): CredentialOptions => ({
  env: { HOME: "/home/ada", ...env },
  profiles: [],
  allowDocumentCredentials: true,
  allowInstancePrincipal: true,
  ...changes,
});

const user = { method: "user" } as const;

describe("the account of a document", () => {
  it.effect("comes from the document, then the environment, then the usual place", () =>
    Effect.gen(function* () {
      const env = {
        OCI_CLI_CONFIG_FILE: "$HOME/other",
        OCI_CLI_PROFILE: "ENV",
        OCI_REGION: "eu-zurich-1",
      };
      assert.deepStrictEqual(yield* chooseAccount(user, options()), {
        method: "user",
        configFile: "/home/ada/.oci/config",
        profile: "DEFAULT",
        region: null,
      });
      assert.deepStrictEqual(yield* chooseAccount(user, options(env)), {
        method: "user",
        configFile: "/home/ada/other",
        profile: "ENV",
        region: "eu-zurich-1",
      });
      const own = { configFile: "~/mine", profile: "DOC", region: "us-phoenix-1" };
      assert.deepStrictEqual(yield* chooseAccount({ ...user, ...own }, options(env)), {
        method: "user",
        configFile: "/home/ada/mine",
        profile: "DOC",
        region: "us-phoenix-1",
      });
    }),
  );

  it.effect("is the operator's where documents do not choose", () =>
    Effect.gen(function* () {
      const policy = options(
        {},
        {
          allowDocumentCredentials: false,
          profiles: [{ name: "prod", configFile: "/etc/oci/config", profile: "PRODUCTION" }],
        },
      );
      assert.deepStrictEqual(yield* chooseAccount({ ...user, profile: "prod" }, policy), {
        method: "user",
        configFile: "/etc/oci/config",
        profile: "PRODUCTION",
        region: null,
      });
      const file = yield* Effect.flip(
        chooseAccount(
          { ...user, profile: "prod", configFile: "/home/somebody/.oci/config" },
          policy,
        ),
      );
      assert.strictEqual(file.reason, "Denied");
      const other = yield* Effect.flip(chooseAccount({ ...user, profile: "admin" }, policy));
      assert.strictEqual(other.reason, "Denied");
      assert.include(other.remedy ?? "", "profiles");
      const unnamed = yield* Effect.flip(chooseAccount(user, policy));
      assert.strictEqual(unnamed.reason, "Denied");
    }),
  );

  it.effect("is not the machine's where the operator forbids it", () =>
    Effect.gen(function* () {
      const instance = { method: "instance" } as const;
      assert.deepStrictEqual(yield* chooseAccount(instance, options()), {
        method: "instance",
        region: null,
      });
      const policy = options({}, { allowInstancePrincipal: false });
      assert.strictEqual((yield* Effect.flip(chooseAccount(instance, policy))).reason, "Denied");
    }),
  );

  it.effect("never lets a region lead requests to another host", () =>
    Effect.gen(function* () {
      for (const region of [
        "evil.example",
        "a/b-c",
        "x@y-1",
        "us-phoenix-1.evil",
        "",
        "US-PHX-1",
      ]) {
        assert.isFalse(isRegion(region), region);
        const error = yield* Effect.flip(chooseAccount({ ...user, region }, options()));
        assert.strictEqual(error.reason, "Denied");
      }
      assert.isTrue(isRegion("us-gov-ashburn-1"));
    }),
  );

  it("expands the home only at the beginning of a path", () => {
    const env = { HOME: "/home/$&" };
    assert.strictEqual(expandPath("~/a", env), "/home/$&/a");
    assert.strictEqual(expandPath("${HOME}/a", env), "/home/$&/a");
    assert.strictEqual(expandPath("$HOMER/a", env), join(process.cwd(), "$HOMER/a"));
    assert.strictEqual(expandPath("/x/~/a", env), "/x/~/a");
  });
});

describe("a user's credentials", () => {
  const marker = "planted-marker-8843";

  const write = (
    edit: (lines: ReadonlyArray<string>, folder: string) => ReadonlyArray<string>,
    passPhrase?: string,
  ) =>
    Effect.gen(function* () {
      const folder = yield* makeFolder;
      const account = yield* Effect.promise(() =>
        passPhrase === undefined ? throwawayAccount() : makeAccount({ passPhrase }),
      );
      const { configFile } = yield* Effect.promise(() => writeAccount(folder, account));
      const { readFile } = yield* Effect.promise(() => import("node:fs/promises"));
      const text = yield* Effect.promise(() => readFile(configFile, "utf8"));
      const lines = edit(text.trimEnd().split("\n"), folder);
      yield* Effect.promise(() => writeFile(configFile, `${lines.join("\n")}\n`));
      return { configFile, folder, account };
    });

  const read = (configFile: string, profile = "DEFAULT", region: string | null = null) =>
    readUserCredentials({ method: "user", configFile, profile, region }, { HOME: "/nowhere" });

  it.effect("are whole, and the key is not encrypted any more", () =>
    Effect.gen(function* () {
      const { configFile, account } = yield* write((lines) => lines, marker);
      const found = yield* read(configFile);
      assert.strictEqual(found.fingerprint, account.fingerprint);
      assert.strictEqual(found.region, account.region);
      assert.include(Redacted.value(found.privateKey), "-----BEGIN RSA PRIVATE KEY-----");
      assert.notInclude(JSON.stringify(found), "PRIVATE KEY");
      assert.strictEqual((yield* read(configFile, "DEFAULT", "eu-zurich-1")).region, "eu-zurich-1");
    }),
  );

  it.effect("inherit from DEFAULT", () =>
    Effect.gen(function* () {
      const { configFile } = yield* write((lines) => [...lines, "[EU]", "region=eu-zurich-1"]);
      assert.strictEqual((yield* read(configFile, "EU")).region, "eu-zurich-1");
    }),
  );

  it.effect("may be a session's, which has no user", () =>
    Effect.gen(function* () {
      const { configFile } = yield* write((lines) => [
        ...lines.filter((line) => !line.startsWith("user=")),
        "security_token_file=~/token",
      ]);
      const found = yield* read(configFile);
      assert.strictEqual(found.sessionTokenFile, "/nowhere/token");
      assert.isNull(found.userId);
    }),
  );

  const replace = (key: string, value: string) => (lines: ReadonlyArray<string>) =>
    lines.map((line) => (line.startsWith(`${key}=`) ? `${key}=${value}` : line));

  const faults: ReadonlyArray<
    readonly [
      string,
      (lines: ReadonlyArray<string>, folder: string) => ReadonlyArray<string>,
      string,
    ]
  > = [
    ["a missing user", (lines) => lines.filter((line) => !line.startsWith("user=")), "no user"],
    [
      "a missing region",
      (lines) => lines.filter((line) => !line.startsWith("region=")),
      "no region",
    ],
    ["a bad region", replace("region", "evil.example"), ":5: "],
    ["another fingerprint", replace("fingerprint", "aa:bb"), ":3 says another"],
    [
      "a missing key file",
      replace("key_file", "/nowhere/key.pem"),
      ":6 names cannot be read: it does not exist",
    ],
    ["a folder as key file", replace("key_file", "/tmp"), "not a file"],
    ["a wrong pass phrase", replace("pass_phrase", marker), ":7) does not open"],
    [
      "a missing pass phrase",
      (lines) => lines.filter((line) => !line.startsWith("pass_phrase=")),
      "no pass_phrase",
    ],
    ["lines that cannot be read", (lines) => [...lines, marker], ":8: neither"],
  ];
  for (const [name, edit, said] of faults) {
    it.effect(`are refused for ${name}, naming file and line and no secret`, () =>
      Effect.gen(function* () {
        const { configFile } = yield* write(edit, "right-phrase-771");
        const error: ProviderError = yield* Effect.flip(read(configFile));
        assert.strictEqual(error.reason, "Denied");
        assert.include(error.message, said);
        assert.include(error.message, configFile);
        assert.isString(error.remedy);
        const shown = JSON.stringify([error.message, error.remedy, error.stack]);
        assert.notInclude(shown, marker);
        assert.notInclude(shown, "right-phrase-771");
        assert.notInclude(shown, "BEGIN");
      }),
    );
  }

  it.effect("are refused for a missing file or profile", () =>
    Effect.gen(function* () {
      const missing = yield* Effect.flip(read("/nowhere/config"));
      assert.include(missing.message, "does not exist");
      const { configFile } = yield* write((lines) => lines);
      const profile = yield* Effect.flip(read(configFile, "PROD"));
      assert.include(profile.remedy ?? "", "DEFAULT");
    }),
  );
});
