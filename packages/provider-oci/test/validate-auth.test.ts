// Which part of the way into OCI is wrong, told on one screen with its remedy, without noise or secrets.

import { execFile } from "node:child_process";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import {
  makeAccount,
  makeInstanceIdentity,
  seedIds,
  startOciSimulator,
  writeAccount,
  type Operation,
  type OciSimulatorOptions,
} from "@muster/testkit/oci/index";
import type { AuthReport } from "../src/auth-report.ts";
import { validateAuth, type OciOptions } from "../src/plugin.ts";
import { makeExpansion, makeFolder } from "./fleet.ts";

const passPhrase = "planted-phrase-4471";
const account = makeAccount({ passPhrase });
const identity = makeInstanceIdentity();

/** Longer than a label of a host name may be: no name service has to be asked. */
const impossible = "n".repeat(64);

/** A simulator, and a config file whose key is encrypted. */
const ready = (simulated: OciSimulatorOptions = {}) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(Date.now());
    const user = yield* Effect.promise(() => account);
    const simulator = yield* startOciSimulator({ accounts: [user], ...simulated });
    const folder = yield* makeFolder;
    const { configFile, keyFile } = yield* Effect.promise(() => writeAccount(folder, user));
    const env = {
      OCI_CLI_CONFIG_FILE: configFile,
      HOME: folder,
      MUSTER_OCI_ENDPOINT: simulator.endpoint,
      MUSTER_OCI_METADATA_URL: `${simulator.endpoint}/opc/v2/`,
    };
    const validate = (auth: object = {}, options: OciOptions = {}) =>
      validateAuth(
        { env, allowDocumentCredentials: true, ...options },
        makeExpansion({ auth: { ...auth } }),
      );
    const edit = (change: (text: string) => string) =>
      Effect.promise(async () => writeFile(configFile, change(await readFile(configFile, "utf8"))));
    const tokenFile = join(folder, "token");
    const signIn = (seconds: number) =>
      Effect.gen(function* () {
        const token = simulator.tokens.signIn(user, seconds);
        yield* Effect.promise(() => writeFile(tokenFile, token, { mode: 0o600 }));
        yield* edit((text) => `${text}security_token_file=${tokenFile}\n`);
        return token;
      });
    return { simulator, user, folder, configFile, keyFile, tokenFile, env, validate, edit, signIn };
  });

const errorsOf = ({ findings }: AuthReport) =>
  findings.filter(({ severity }) => severity === "error");

/** The only error, and what it is about. */
const onlyError = (report: AuthReport) => {
  assert.isFalse(report.ok);
  const errors = errorsOf(report);
  assert.strictEqual(errors.length, 1, JSON.stringify(errors));
  return errors[0]!;
};

const forbidden = (operation: Operation) => ({
  operation,
  answer: { status: 404, code: "NotAuthorizedOrNotFound", message: "no" } as const,
});

describe("the validation of credentials", () => {
  it.effect("tells who calls, and where, when all is well", () =>
    Effect.gen(function* () {
      const { validate, simulator, configFile } = yield* ready();
      const report = yield* validate();
      assert.deepStrictEqual(report, {
        ok: true,
        details: {
          method: "user",
          account: `profile DEFAULT of ${configFile}`,
          region: seedIds.region,
          tenancyId: seedIds.tenancyId,
          userId: seedIds.userId,
          subscribedRegions: [seedIds.region],
          regionsCount: 1,
        },
        findings: [],
      });
      assert.isTrue(simulator.requests().every(({ method }) => method === "GET"));
      assert.deepStrictEqual(simulator.journal(), []);
    }),
  );

  it.effect("tells the same of an instance, which is no user", () =>
    Effect.gen(function* () {
      const instance = yield* Effect.promise(() => identity);
      const { validate } = yield* ready({ instance });
      const { ok, details } = yield* validate({ method: "instance" });
      assert.isTrue(ok);
      assert.deepStrictEqual(details, {
        method: "instance",
        account: "the instance that muster runs on",
        region: seedIds.region,
        tenancyId: instance.tenancyId,
        userId: null,
        subscribedRegions: [seedIds.region],
        regionsCount: 1,
      });
    }),
  );

  it.effect("tells a machine that is no instance, and one that gets no token", () =>
    Effect.gen(function* () {
      const none = yield* ready();
      const absent = onlyError(yield* none.validate({ method: "instance" }));
      assert.strictEqual(absent.what, "instance");
      assert.include(absent.remedy, "auth.method: user");
      const instance = yield* Effect.promise(() => identity);
      const { validate, simulator } = yield* ready({ instance });
      simulator.tokens.allow(false);
      const refused = onlyError(yield* validate({ method: "instance" }));
      assert.strictEqual(refused.what, "instance");
      assert.include(refused.message, "no token for this instance");
      assert.include(refused.remedy, "see whether its certificate is good");
    }),
  );

  it.effect("tells whose consent is missing", () =>
    Effect.gen(function* () {
      const { validate, simulator } = yield* ready();
      for (const auth of [{}, { method: "instance" }]) {
        const error = onlyError(yield* validate(auth, { allowDocumentCredentials: false }));
        assert.strictEqual(error.what, "consent");
      }
      assert.deepStrictEqual(simulator.requests(), []);
    }),
  );

  it.effect("finds a fingerprint that is not the key's before anything is asked", () =>
    Effect.gen(function* () {
      const { validate, edit, simulator, user } = yield* ready();
      yield* edit((text) => text.replace(/fingerprint=../, "fingerprint=zz"));
      const error = onlyError(yield* validate());
      assert.strictEqual(error.what, "fingerprint");
      assert.include(error.message, user.fingerprint);
      assert.deepStrictEqual(simulator.requests(), []);
    }),
  );

  it.effect("finds a key that cannot be used, and a file that is not there", () =>
    Effect.gen(function* () {
      const { validate, edit, keyFile, user } = yield* ready();
      yield* edit((text) => text.replace(/pass_phrase=.*\n/, ""));
      const locked = onlyError(yield* validate());
      assert.strictEqual(locked.what, "key");
      assert.include(locked.message, "no pass_phrase");
      yield* Effect.promise(() => writeFile(keyFile, "no key at all"));
      const other = onlyError(yield* validate());
      assert.strictEqual(other.what, "key");
      assert.include(other.message, "not a private key in PEM form");
      assert.include(other.remedy, "PEM");
      yield* Effect.promise(() => rm(keyFile));
      const absent = onlyError(yield* validate());
      assert.strictEqual(absent.what, "key");
      assert.include(absent.message, "does not exist");
      yield* Effect.promise(() => writeFile(keyFile, user.privateKeyPem));
      yield* edit(() => "[OTHER]\nuser=x\n");
      assert.strictEqual(onlyError(yield* validate()).what, "configuration");
    }),
  );

  it.effect("warns of files that others can read, and is well all the same", () =>
    Effect.gen(function* () {
      const { validate, keyFile } = yield* ready();
      yield* Effect.promise(() => chmod(keyFile, 0o644));
      const { ok, findings } = yield* validate();
      assert.isTrue(ok);
      assert.deepStrictEqual(
        findings.map(({ what, severity, remedy }) => [what, severity, remedy]),
        [["permissions", "warning", `chmod 600 '${keyFile}'`]],
      );
    }),
  );

  it.effect(
    "finds a region that is none, one that is not subscribed, and one that is unknown",
    () =>
      Effect.gen(function* () {
        const { validate, env } = yield* ready();
        const { MUSTER_OCI_ENDPOINT: _, ...real } = env;
        const region = `us-${impossible}-1`;
        const unknown = onlyError(yield* validate({ region }, { env: real }));
        assert.strictEqual(unknown.what, "region");
        assert.include(unknown.remedy, `${region} is no region that is known`);
        const none = onlyError(yield* validate({ region: "evil.example" }));
        assert.strictEqual(none.what, "region");
        const other = onlyError(yield* validate({ region: "eu-zurich-1" }));
        assert.strictEqual(other.what, "region");
        assert.include(other.message, `only to ${seedIds.region}`);
      }),
  );

  it.effect("knows that a key is not uploaded when clock and fingerprint are right", () =>
    Effect.gen(function* () {
      const stranger = yield* Effect.promise(() => makeAccount());
      const { validate } = yield* ready({ accounts: [stranger] });
      const error = onlyError(yield* validate());
      assert.strictEqual(error.what, "key");
      assert.include(error.remedy, `upload its public key for ${seedIds.userId}`);
      assert.match(error.message, /401 NotAuthenticated/);
    }),
  );

  it.effect("names the statement of the policy that is missing", () =>
    Effect.gen(function* () {
      const { validate, simulator } = yield* ready();
      const statements = [
        ["ListInstances", `to manage instance-family in compartment id ${seedIds.compartmentId}`],
        ["ListAvailabilityDomains", `to inspect compartments in compartment id`],
      ] as const;
      for (const [operation, statement] of statements) {
        simulator.faults.set([forbidden(operation)]);
        const error = onlyError(yield* validate());
        assert.strictEqual(error.what, "policy");
        assert.include(error.remedy, `Allow group GROUP ${statement}`);
      }
      // Only the report needs these.
      simulator.faults.set([forbidden("ListRegionSubscriptions"), forbidden("ListRegions")]);
      const { ok, details, findings } = yield* validate();
      assert.isTrue(ok);
      assert.isNull(details?.subscribedRegions);
      assert.deepStrictEqual(
        findings.map(({ what, severity }) => [what, severity]),
        [["policy", "warning"]],
      );
      assert.include(findings[0]?.remedy ?? "", "inspect tenancies in tenancy");
    }),
  );

  it.effect("names a dynamic group for an instance", () =>
    Effect.gen(function* () {
      const instance = yield* Effect.promise(() => identity);
      const { validate, simulator } = yield* ready({ instance });
      simulator.faults.set([forbidden("ListInstances")]);
      const error = onlyError(yield* validate({ method: "instance" }));
      assert.include(error.remedy, "Allow dynamic-group DYNAMIC-GROUP to manage instance-family");
    }),
  );

  it.effect("tells a service that fails from an account that does", () =>
    Effect.gen(function* () {
      const { validate, simulator } = yield* ready();
      const answer = { status: 500, code: "InternalServerError", message: "broken" };
      simulator.faults.set([{ operation: "ListAvailabilityDomains", answer }]);
      assert.strictEqual(onlyError(yield* validate()).what, "service");
    }),
  );

  it.effect("tells a session that OCI takes no more", () =>
    Effect.gen(function* () {
      const { validate, simulator, signIn } = yield* ready();
      yield* signIn(3_600);
      assert.isTrue((yield* validate()).ok);
      simulator.tokens.revoke();
      const error = onlyError(yield* validate());
      assert.strictEqual(error.what, "session");
      assert.include(error.remedy, "oci session authenticate");
    }),
  );
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const child = fileURLToPath(new URL("./validate-child.ts", import.meta.url));

const run = (asked: object): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    execFile(
      process.execPath,
      ["--conditions=muster-source", child, JSON.stringify(asked)],
      { timeout: 25_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code ?? -1);
        resume(Effect.succeed({ code, stdout, stderr }));
      },
    );
  });

/** What the child told: nothing but the report, on one screen, and the process did not die. */
const reportOf = (ended: Ended): AuthReport => {
  assert.strictEqual(ended.stderr, "");
  assert.strictEqual(ended.code, 0);
  const report = JSON.parse(ended.stdout) as AuthReport;
  const lines = report.findings.flatMap(({ message, remedy }) => [message, remedy]);
  for (const line of lines) assert.isBelow(line.length, 600);
  assert.isAtMost(lines.length, 8);
  assert.isTrue(report.findings.every(({ remedy }) => remedy !== ""));
  return report;
};

/** Accepts connections and says nothing. */
const blackHole: Effect.Effect<string, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer((socket) => socket.on("error", () => {}));
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)));
    }),
    (server) => Effect.sync(() => void server.close()),
  ),
  (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
);

/** Nobody listens there any more. */
const closedDoor = Effect.scoped(blackHole);

describe("one screen with the remedy, without noise, and the process lives:", () => {
  it.effect("a wrong pass phrase", () =>
    Effect.gen(function* () {
      const { edit, env } = yield* ready();
      yield* edit((text) => text.replace(passPhrase, "wrong-phrase-9902"));
      const ended = yield* run({ auth: {}, env });
      const error = onlyError(reportOf(ended));
      assert.strictEqual(error.what, "key");
      assert.include(error.message, "does not open with the profile's pass_phrase");
      assert.include(error.remedy, "correct pass_phrase");
      assert.notInclude(ended.stdout, "wrong-phrase-9902");
      assert.notInclude(ended.stdout, "PRIVATE KEY");
    }),
  );

  it.effect("a key that cannot be read", () =>
    Effect.gen(function* () {
      const { env, keyFile, folder, edit } = yield* ready();
      // Root may read everything, and a folder is no file for anybody.
      yield* edit((text) => text.replace(`key_file=${keyFile}`, `key_file=${folder}`));
      const error = onlyError(reportOf(yield* run({ auth: {}, env })));
      assert.strictEqual(error.what, "key");
      assert.include(error.message, `the key file ${folder}`);
      assert.include(error.remedy, "let this user read the file");
    }),
  );

  it.effect("a session that ended", () =>
    Effect.gen(function* () {
      const { env, signIn, simulator } = yield* ready();
      const token = yield* signIn(-60);
      const ended = yield* run({ auth: {}, env });
      const error = onlyError(reportOf(ended));
      assert.strictEqual(error.what, "session");
      assert.match(error.message, /it ended at \d{4}-/);
      assert.include(error.remedy, "oci session authenticate");
      assert.include(error.remedy, "oci session refresh");
      assert.notInclude(ended.stdout, token);
      assert.deepStrictEqual(simulator.requests(), []);
    }),
  );

  it.effect("a clock that is ten minutes off, either way", () =>
    Effect.gen(function* () {
      const { env } = yield* ready();
      for (const ahead of [600_000, -600_000]) {
        const error = onlyError(reportOf(yield* run({ auth: {}, env, ahead })));
        assert.strictEqual(error.what, "clock");
        assert.match(error.message, ahead > 0 ? /(599|600|601) s ahead/ : /(599|600|601) s behind/);
        assert.include(error.remedy, "NTP");
      }
    }),
  );

  it.effect("a clock that is off on an instance", () =>
    Effect.gen(function* () {
      const instance = yield* Effect.promise(() => identity);
      const { env } = yield* ready({ instance });
      const asked = { auth: { method: "instance" }, env, ahead: 600_000 };
      assert.strictEqual(onlyError(reportOf(yield* run(asked))).what, "clock");
    }),
  );

  it.effect("no network: refused, no such name, silence", () =>
    Effect.gen(function* () {
      const { env } = yield* ready();
      const silent = yield* blackHole;
      const cases = [
        [yield* closedDoor, "the connection was refused"],
        [`https://${impossible}.invalid`, "no such host name"],
        [silent, "nothing came within 2 s"],
      ] as const;
      for (const [endpoint, said] of cases) {
        const asked = { auth: {}, env: { ...env, MUSTER_OCI_ENDPOINT: endpoint } };
        const error = onlyError(reportOf(yield* run(asked)));
        assert.strictEqual(error.what, "network");
        assert.include(error.message, said);
        assert.include(error.remedy, "check network");
      }
    }),
  );

  it.effect("a metadata service that is silent or gone", () =>
    Effect.gen(function* () {
      const { env } = yield* ready();
      for (const metadata of [yield* blackHole, yield* closedDoor]) {
        const asked = {
          auth: { method: "instance" },
          env: { ...env, MUSTER_OCI_METADATA_URL: metadata },
          timeoutMillis: 500,
        };
        assert.strictEqual(onlyError(reportOf(yield* run(asked))).what, "instance");
      }
    }),
  );

  it.effect("tokens that are refused, and what was planted is told nowhere", () =>
    Effect.gen(function* () {
      const instance = yield* Effect.promise(() => identity);
      const { env, simulator, signIn, user, validate } = yield* ready({ instance });
      const session = yield* signIn(3_600);
      simulator.tokens.revoke();
      const secrets = [
        passPhrase,
        session,
        "PRIVATE KEY",
        user.privateKeyPem.split("\n")[3]!,
        instance.keyPem.split("\n")[3]!,
        // The beginnings of a name that holds a token, and of every token.
        "ST$",
        "eyJ",
      ];
      for (const auth of [{}, { method: "instance" }]) {
        const inProcess = JSON.stringify(yield* validate(auth));
        simulator.tokens.allow(false);
        const ended = yield* run({ auth, env });
        simulator.tokens.allow(true);
        assert.isFalse(reportOf(ended).ok);
        for (const secret of secrets) {
          assert.notInclude(inProcess, secret);
          assert.notInclude(ended.stdout, secret);
        }
      }
    }),
  );
});
