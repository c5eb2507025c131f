// What is told of a file of signers: how many it names, which lines name none, and never a line itself.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { examineSigners, judgeAllowedSigners } from "../src/examine-signers.ts";
import { examineGitClock } from "../src/host-time.ts";
import { temporaryFolder } from "./sandbox.ts";

const key = `AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;
const judge = (...lines: ReadonlyArray<string>) =>
  judgeAllowedSigners("signers", Buffer.from(lines.join("\n")));

describe("a file of allowed signers", () => {
  it("names everyone whose line ssh-keygen takes", () => {
    const found = judge(
      ...["# the team", "", `ann@example.com ssh-ed25519 ${key} ann's laptop`],
      `bob@example.com,rob@example.com namespaces="git,file",valid-after="20260101" ssh-rsa ${key}=`,
      `*@example.com cert-authority sk-ssh-ed25519@openssh.com ${key}`,
      `"a b@example.com" valid-before=20270101 ecdsa-sha2-nistp256 ${key}\r`,
    );
    expect(found).toMatchObject({ verdict: "ok", message: "signers names 4 keys" });
  });

  it("fails when it names nobody, and tells lines by number where some are no signers", () => {
    expect(judge("", "# nobody")).toMatchObject({ verdict: "failed", origin: "input" });
    const secret = "-----BEGIN OPENSSH PRIVATE KEY----- hunter2";
    const bad = judge(secret, `ssh-ed25519 ${key}`);
    expect(bad).toMatchObject({ verdict: "failed" });
    expect(bad.message).toBe("signers names no signer: not line 1, 2");
    const some = judge(`ann@example.com ssh-ed25519 ${key}`, secret);
    expect(some).toMatchObject({ verdict: "warning" });
    expect(some.message).toContain("names 1 key, and has lines that name none: 2");
    expect(JSON.stringify([bad, some])).not.toContain("hunter2");
  });

  it.effect("fails when it cannot be read, or is no keyring", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = join(folder, "signers");
      const gone = yield* examineSigners({ allowedSigners: file });
      expect(gone).toMatchObject({ verdict: "failed", origin: "input" });
      expect(gone.message).toContain("cannot be read: ENOENT");
      writeFileSync(file, `ann@example.com ssh-ed25519 ${key}\n`);
      expect((yield* examineSigners({ allowedSigners: file })).verdict).toBe("ok");
      const keyring = yield* examineSigners({ allowedKeyring: file });
      expect(keyring).toMatchObject({ verdict: "failed", origin: "input" });
      expect(keyring.remedy).toContain("gpg --export");
    }),
  );
});

describe("the clock of a git host", () => {
  it.effect("is unknown where nothing tells it, never well", () =>
    Effect.gen(function* () {
      const file = { scheme: "file", url: "file:///x", normalised: "file:///x" } as const;
      expect((yield* examineGitClock(file)).verdict).toBe("unknown");
      const dead = { scheme: "https", url: "https://127.0.0.1:9/x", normalised: "x" } as const;
      expect((yield* examineGitClock(dead)).verdict).toBe("unknown");
    }),
  );
});
