// Holds whose commits are acted on: real signatures of both sorts, forged ones, and rewritten histories.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import * as openpgp from "openpgp";
import { fetchBranch } from "../src/fetch.ts";
import { Git } from "../src/git.ts";
import { splitSignature } from "../src/signed-commit.ts";
import { verifySource, type Signers } from "../src/verify.ts";
import { gitLayer, makeSandbox, plainGit, present, type Sandbox } from "./sandbox.ts";

const test = <A, E>(name: string, body: () => Effect.Effect<A, E, Git | Scope.Scope>): void =>
  it.effect(name, () => Effect.provide(body(), gitLayer));

/** Fetches what `main` of the work tree is now, and judges it. */
const judged = (sandbox: Sandbox, lastActed: string | null, signers: Signers | null) =>
  Effect.gen(function* () {
    sandbox.pushMain();
    const { head } = yield* fetchBranch({
      ...{ repository: sandbox.repository, branch: "main", environment: "default" },
      cache: sandbox.cache,
    });
    const origin = { repository: sandbox.repository, branch: "main" };
    return yield* verifySource({ cache: sandbox.cache, head, lastActed, signers, origin });
  });

describe("a source without named signers", () => {
  test("is taken as it comes", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const first = sandbox.commit({ a: "1" });
      const unknown = { status: "Unknown", reason: "NoSignersNamed", rewritten: false };
      expect(yield* judged(sandbox, null, null)).toMatchObject(unknown);
      expect(yield* judged(sandbox, first, null)).toMatchObject(unknown);
      sandbox.commit({ a: "2" });
      expect(yield* judged(sandbox, first, null)).toMatchObject(unknown);
    }));

  test("is held when its history was rewritten", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const base = sandbox.commit({ a: "1" });
      const acted = sandbox.commit({ a: "2" });
      yield* judged(sandbox, null, null);
      sandbox.git("reset", "-q", "--hard", base);
      const back = yield* judged(sandbox, acted, null);
      expect(back).toMatchObject({ status: "False", reason: "SourceRewritten", rewritten: true });
      expect(back.remedy).toContain("accept");
      sandbox.commit({ a: "3" });
      expect(yield* judged(sandbox, acted, null)).toMatchObject({ rewritten: true });
      for (const gone of ["f".repeat(40), "not a commit", "--all"]) {
        expect(yield* judged(sandbox, gone, null)).toMatchObject({ rewritten: true });
      }
      expect(yield* judged(sandbox, base, null)).toMatchObject({ rewritten: false });
    }));
});

interface SshKeys {
  readonly file: string;
  /** Arguments by which plain git signs with the key of that name. */
  readonly as: (name: string) => ReadonlyArray<string>;
}

const makeSshKeys = (sandbox: Sandbox, named: ReadonlyArray<string>): SshKeys => {
  const folder = join(sandbox.folder, "keys");
  mkdirSync(folder);
  for (const name of ["ann", "eve"]) {
    execFileSync("ssh-keygen", [
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      name,
      "-f",
      join(folder, name),
    ]);
  }
  const file = join(folder, "signers");
  const lines = named.map(
    (name) =>
      `${name}@example.com namespaces="git" ${readFileSync(join(folder, `${name}.pub`), "utf8")}`,
  );
  writeFileSync(file, lines.join(""));
  return {
    file,
    as: (name) => ["-c", "gpg.format=ssh", "-c", `user.signingkey=${join(folder, name)}`],
  };
};

const signedBy = (sandbox: Sandbox, keys: SshKeys, name: string, text: string): string => {
  writeFileSync(join(sandbox.work, "a"), text);
  sandbox.git("add", "-A");
  sandbox.git(...keys.as(name), "commit", "-q", "--allow-empty", "-S", "-m", `change ${text}`);
  return sandbox.git("rev-parse", "HEAD");
};

describe.skipIf(!present("ssh-keygen"))("a source with SSH signers", () => {
  test("is verified by its head at first contact, and commit by commit from then on", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const keys = makeSshKeys(sandbox, ["ann"]);
      const signers = { allowedSigners: keys.file };
      sandbox.commit({ a: "unsigned and old" });
      const first = signedBy(sandbox, keys, "ann", "1");
      const contact = yield* judged(sandbox, null, signers);
      expect(contact).toMatchObject({ status: "True", reason: "SignedByNamedSigner" });
      expect(contact.signer).toMatch(/^ann@example\.com SHA256:/);
      signedBy(sandbox, keys, "ann", "2");
      expect((yield* judged(sandbox, first, signers)).status).toBe("True");
      const bare = sandbox.commit({ a: "3" });
      signedBy(sandbox, keys, "ann", "4");
      const held = yield* judged(sandbox, first, signers);
      expect(held).toMatchObject({ status: "False", reason: "CommitNotSigned", signer: null });
      expect(held.message).toContain(bare);
      expect(held.remedy).toBeTruthy();
    }));

  test("is held by a stranger's signature, and by one that was moved to another commit", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const keys = makeSshKeys(sandbox, ["ann"]);
      const signers = { allowedSigners: keys.file };
      const good = signedBy(sandbox, keys, "ann", "1");
      const bad = signedBy(sandbox, keys, "eve", "2");
      const stranger = yield* judged(sandbox, good, signers);
      expect(stranger).toMatchObject({ status: "False", reason: "SignatureNotAccepted" });
      expect(stranger.message).toContain(bad);
      sandbox.git("reset", "-q", "--hard", good);
      const raw = plainGit(sandbox.work, ["cat-file", "commit", good]);
      const forged = plainGit(
        sandbox.work,
        ["hash-object", "-t", "commit", "-w", "--stdin"],
        `${raw.replace("change 1", "change 9")}\n`,
      );
      sandbox.git("reset", "-q", "--hard", forged);
      expect(yield* judged(sandbox, null, signers)).toMatchObject({
        status: "False",
        reason: "SignatureNotAccepted",
      });
    }));

  test("takes a signed merge for what it merges, but not an unsigned one", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const keys = makeSshKeys(sandbox, ["ann"]);
      const signers = { allowedSigners: keys.file };
      const base = signedBy(sandbox, keys, "ann", "1");
      sandbox.git("checkout", "-q", "-b", "topic");
      const topic = sandbox.commit({ b: "unsigned" });
      sandbox.git("checkout", "-q", "main");
      sandbox.git(...keys.as("ann"), "merge", "-q", "--no-ff", "-S", "-m", "merge", "topic");
      expect((yield* judged(sandbox, base, signers)).status).toBe("True");
      sandbox.git("reset", "-q", "--hard", base);
      sandbox.git("merge", "-q", "--no-ff", "-m", "merge", "topic");
      expect((yield* judged(sandbox, base, signers)).status).toBe("False");
      // A merge the other way round has the unsigned commit on its first-parent line.
      sandbox.git("reset", "-q", "--hard", topic);
      const other = signedBy(sandbox, keys, "ann", "3");
      const around = yield* judged(sandbox, base, signers);
      expect(around.status).toBe("False");
      expect(around.message).toContain(topic);
      expect(other).not.toBe(topic);
    }));

  test("checks the head again when it was acted on before signers were named", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const keys = makeSshKeys(sandbox, ["ann"]);
      const head = sandbox.commit({ a: "1" });
      const same = yield* judged(sandbox, head, { allowedSigners: keys.file });
      expect(same).toMatchObject({ status: "False", rewritten: false });
    }));

  test("stays held when rewritten, whoever signed", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const keys = makeSshKeys(sandbox, ["ann"]);
      const base = signedBy(sandbox, keys, "ann", "1");
      const acted = signedBy(sandbox, keys, "ann", "2");
      sandbox.pushMain();
      yield* judged(sandbox, null, null);
      sandbox.git("reset", "-q", "--hard", base);
      signedBy(sandbox, keys, "ann", "3");
      const held = yield* judged(sandbox, acted, { allowedSigners: keys.file });
      expect(held).toMatchObject({ status: "False", reason: "SourceRewritten", rewritten: true });
      expect(held.signer).toContain("ann@example.com");
    }));

  it.effect("cannot be judged without ssh-keygen or without the file", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      sandbox.commit({ a: "1" });
      const absent = yield* Effect.flip(judged(sandbox, null, { allowedSigners: "/nowhere" }));
      expect(absent.reason).toBe("Invalid");
      const file = join(sandbox.folder, "signers");
      writeFileSync(file, "");
      const request = { cache: sandbox.cache, head: sandbox.git("rev-parse", "HEAD") };
      const error = yield* verifySource({
        ...{ ...request, lastActed: null, signers: { allowedSigners: file } },
        origin: { repository: sandbox.repository, branch: "main" },
      }).pipe(
        Effect.provide(Git.layer({ environment: { PATH: "/nowhere" }, binary: "/usr/bin/git" })),
        Effect.flip,
      );
      expect(error).toMatchObject({ reason: "Unsupported" });
      expect(error.message).toContain("ssh-keygen");
    }).pipe(Effect.provide(gitLayer)),
  );
});

const days = 24 * 3600 * 1000;
const epoch = Date.parse("2026-01-10T00:00:00Z");

interface PgpKey {
  readonly privateKey: openpgp.PrivateKey;
  readonly publicKey: openpgp.PublicKey;
  readonly revocation: string;
}

const makePgpKey = async (name: string, lifeSeconds = 0): Promise<PgpKey> => {
  const made = await openpgp.generateKey({
    ...{ type: "curve25519", format: "object" },
    userIDs: [{ name, email: `${name}@example.com` }],
    date: new Date(epoch - 5 * days),
    keyExpirationTime: lifeSeconds,
  });
  return { ...made, revocation: made.revocationCertificate };
};

/** Signs `HEAD` anew with a PGP key, as it was at `date`, and moves the branch there. */
const signHead = async (
  sandbox: Sandbox,
  key: PgpKey,
  date: number,
  payloadTail = "",
): Promise<string> => {
  const raw = `${plainGit(sandbox.work, ["cat-file", "commit", "HEAD"])}\n`;
  const signature = (await openpgp.sign({
    message: await openpgp.createMessage({ binary: Buffer.from(raw + payloadTail) }),
    signingKeys: key.privateKey,
    detached: true,
    date: new Date(date),
  })) as string;
  const header = `gpgsig ${signature.trim().replaceAll("\r", "").split("\n").join("\n ")}\n`;
  const signed = raw.replace("\n\n", `\n${header}\n`);
  const id = plainGit(sandbox.work, ["hash-object", "-t", "commit", "-w", "--stdin"], signed);
  sandbox.git("reset", "-q", "--hard", id);
  return id;
};

const keyringOf = (sandbox: Sandbox, text: string | Uint8Array): Signers => {
  const file = join(sandbox.folder, `keyring-${Math.random()}`);
  writeFileSync(file, text);
  return { allowedKeyring: file };
};

const pgp = <A, E>(name: string, body: (sandbox: Sandbox) => Effect.Effect<A, E, Git>): void =>
  test(name, () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(epoch);
      return yield* body(yield* makeSandbox);
    }),
  );

describe("a source with a PGP keyring", () => {
  pgp("is verified with these keys only, armored or binary, one block or several", (sandbox) =>
    Effect.gen(function* () {
      const [ann, bob, eve] = yield* Effect.promise(() =>
        Promise.all(["ann", "bob", "eve"].map((name) => makePgpKey(name))),
      );
      sandbox.commit({ a: "1" });
      const first = yield* Effect.promise(() => signHead(sandbox, ann!, epoch - days));
      const keyrings = [
        keyringOf(sandbox, `${bob!.publicKey.armor()}\n${ann!.publicKey.armor()}`),
        keyringOf(sandbox, ann!.publicKey.write()),
      ];
      for (const keyring of keyrings) {
        const verdict = yield* judged(sandbox, null, keyring);
        expect(verdict).toMatchObject({ status: "True" });
        expect(verdict.signer).toBe(
          `ann <ann@example.com> ${ann!.publicKey.getFingerprint().toUpperCase()}`,
        );
      }
      sandbox.commit({ a: "2" });
      const bad = yield* Effect.promise(() => signHead(sandbox, eve!, epoch));
      const held = yield* judged(sandbox, first, keyrings[0]!);
      expect(held).toMatchObject({ status: "False", reason: "SignatureNotAccepted" });
      expect(held.message).toContain(bad);
      expect(held.message).toContain("not in the keyring");
      const plain = sandbox.commit({ a: "3" });
      const unsigned = yield* judged(sandbox, bad, keyrings[0]!);
      expect(unsigned).toMatchObject({ reason: "CommitNotSigned" });
      expect(unsigned.message).toContain(plain);
    }),
  );

  pgp("is held by a signature of other bytes, or of the future", (sandbox) =>
    Effect.gen(function* () {
      const ann = yield* Effect.promise(() => makePgpKey("ann"));
      const keyring = keyringOf(sandbox, ann.publicKey.armor());
      for (const [date, tail] of [
        [epoch, "x"],
        [epoch + days, ""],
      ] as const) {
        sandbox.commit({ a: String(date) });
        yield* Effect.promise(() => signHead(sandbox, ann, date, tail));
        expect(yield* judged(sandbox, null, keyring)).toMatchObject({
          status: "False",
          reason: "SignatureNotAccepted",
        });
      }
    }),
  );

  pgp("asks whether the key was valid when it signed, and trusts no revoked one", (sandbox) =>
    Effect.gen(function* () {
      const short = yield* Effect.promise(() => makePgpKey("ann", (3 * days) / 1000));
      const keyring = keyringOf(sandbox, short.publicKey.armor());
      sandbox.commit({ a: "1" });
      yield* Effect.promise(() => signHead(sandbox, short, epoch - 4 * days));
      expect(yield* judged(sandbox, null, keyring)).toMatchObject({ status: "True" });
      const revoked = yield* Effect.promise(() =>
        openpgp.revokeKey({
          ...{ key: short.publicKey, format: "armored" },
          revocationCertificate: short.revocation,
        }),
      );
      const after = keyringOf(sandbox, (revoked as { publicKey: string }).publicKey);
      expect(yield* judged(sandbox, null, after)).toMatchObject({ status: "False" });

      const long = yield* Effect.promise(() => makePgpKey("ann", (9 * days) / 1000));
      // The same key as a keyring knows it that says it ended before the signature was made.
      sandbox.commit({ a: "2" });
      yield* Effect.promise(() => signHead(sandbox, long, epoch - days));
      const ended = yield* Effect.promise(() =>
        openpgp.reformatKey({
          ...{ privateKey: long.privateKey, format: "object" },
          userIDs: [{ name: "ann" }],
          date: new Date(epoch - 5 * days),
          keyExpirationTime: (2 * days) / 1000,
        }),
      );
      const endedRing = keyringOf(sandbox, ended.publicKey.armor());
      expect(
        yield* judged(sandbox, null, keyringOf(sandbox, long.publicKey.armor())),
      ).toMatchObject({
        status: "True",
      });
      expect(yield* judged(sandbox, null, endedRing)).toMatchObject({ status: "False" });
    }),
  );

  pgp("does not count where SSH signers are named", (sandbox) =>
    Effect.gen(function* () {
      const ann = yield* Effect.promise(() => makePgpKey("ann"));
      sandbox.commit({ a: "1" });
      yield* Effect.promise(() => signHead(sandbox, ann, epoch));
      const file = join(sandbox.folder, "signers");
      writeFileSync(file, "");
      expect(yield* judged(sandbox, null, { allowedSigners: file })).toMatchObject({
        status: "False",
        reason: "CommitNotSigned",
      });
    }),
  );

  pgp("refuses keyrings that cannot be read or hold a private key", (sandbox) =>
    Effect.gen(function* () {
      const ann = yield* Effect.promise(() => makePgpKey("ann"));
      sandbox.commit({ a: "1" });
      for (const text of ["", "nonsense", ann.privateKey.armor()]) {
        const error = yield* Effect.flip(judged(sandbox, null, keyringOf(sandbox, text)));
        expect(error.reason).toBe("Invalid");
      }
    }),
  );
});

describe.skipIf(!present("gpg"))("a commit that gpg signed", () => {
  test("is verified", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const home = join(sandbox.folder, "gpg");
      mkdirSync(home, { mode: 0o700 });
      const gpg = (...args: ReadonlyArray<string>): Buffer =>
        execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", ...args], {
          stdio: ["ignore", "pipe", "pipe"],
        });
      try {
        gpg("--passphrase", "", "--quick-gen-key", "ann@example.com", "ed25519", "sign");
        sandbox.commit({ a: "1" });
        const environment = { GNUPGHOME: home };
        const commit = ["commit", "-q", "--amend", "--no-edit", "-Sann@example.com"];
        plainGit(sandbox.work, commit, "", environment);
        yield* TestClock.setTime(Date.now());
        const keyring = keyringOf(sandbox, gpg("--export"));
        const verdict = yield* judged(sandbox, null, keyring);
        expect(verdict).toMatchObject({ status: "True" });
        expect(verdict.signer).toContain("ann@example.com");
      } finally {
        execFileSync("gpgconf", ["--homedir", home, "--kill", "gpg-agent"]);
      }
    }));
});

describe("a raw commit", () => {
  it("is split so that nothing signed is hidden", () => {
    const split = splitSignature(
      Buffer.from("tree t\ngpgsig a\n b\n \n c\nencoding x\n\nmessage\ngpgsig no\n"),
    );
    expect(typeof split === "string" ? split : split.payload.toString()).toBe(
      "tree t\nencoding x\n\nmessage\ngpgsig no\n",
    );
    expect(typeof split === "string" ? split : split.signature).toBe("a\nb\n\nc\n");
    expect(splitSignature(Buffer.from("tree t\n\ngpgsig a\n"))).toBe("Unsigned");
    for (const odd of [
      "gpgsig a\ngpgsig b\n",
      "gpgsig-sha256 a\n",
      "gpgsig a\ngpgsig-sha256 b\n",
    ]) {
      expect(splitSignature(Buffer.from(`tree t\n${odd}\nm\n`))).toBe("Malformed");
    }
  });
});
