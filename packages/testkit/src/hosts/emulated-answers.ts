// Answers commands in the place of an emulated host's shell: a few plain ones, unless a test brings its own.

import { createHash } from "node:crypto";
import type { Answerer, EmulatedAnswer, EmulatedExec } from "./emulated-host.ts";
import { answerProbe, isProbe } from "./emulated-probe.ts";
import { runPuppet } from "./emulated-puppet.ts";

/**
 * Knows `true`, `exit`, `hostname`, `echo`, `cat`, `tee`, `rm -f`, `test -e`, `sha256sum`, `uptime -p`,
 * `sudo -n` before any of them, `reboot`, `run-puppet.sh`, and muster's probe. Words are split at spaces; there are
 * no quotes.
 */
export const plainAnswers: Answerer = (exec) => {
  if (isProbe(exec.command)) return answerProbe(exec);
  const [program = "", ...words] = exec.command.trim().split(/\s+/u);
  const answer = programs[program];
  if (answer === undefined) return { code: 127, stderr: `sh: 1: ${program}: not found\n` };
  return answer(exec, words);
};

type Program = (
  exec: EmulatedExec,
  words: readonly string[],
) => EmulatedAnswer | Promise<EmulatedAnswer>;

const withFile =
  (then: (content: string, path: string) => EmulatedAnswer): Program =>
  ({ command, host }, [path = ""]) => {
    const content = path === bootIdPath ? `${host.bootId}\n` : host.read(path);
    return content === undefined
      ? { code: 1, stderr: `${command.split(" ")[0]}: ${path}: No such file or directory\n` }
      : then(content, path);
  };

const bootIdPath = "/proc/sys/kernel/random/boot_id";

const changed = (done: boolean, path: string, stdout = ""): EmulatedAnswer =>
  done ? { stdout } : { code: 1, stderr: `${path}: Read-only file system\n` };

const programs: Readonly<Record<string, Program | undefined>> = {
  true: () => ({}),
  exit: (_, [code = "0"]) => ({ code: Number(code) }),
  hostname: ({ host }) => ({ stdout: `${host.name}\n` }),
  echo: (_, words) => ({ stdout: `${words.join(" ")}\n` }),
  cat: withFile((stdout) => ({ stdout })),
  sha256sum: withFile((content, path) => ({
    stdout: `${createHash("sha256").update(content).digest("hex")}  ${path}\n`,
  })),
  test: ({ host }, [, path = ""]) => ({ code: host.read(path) === undefined ? 1 : 0 }),
  tee: async ({ host, stdin }, [path = ""]) => {
    const content = (await stdin()).toString("utf8");
    return changed(host.write(path, content), path, content);
  },
  rm: ({ host }, words) => {
    const path = words.at(-1) ?? "";
    return changed(host.write(path, undefined), path);
  },
  uptime: ({ host }) => ({ stdout: `up ${Math.floor(host.uptimeSeconds / 60)} minutes\n` }),
  sudo: (exec, [, ...words]) =>
    exec.host.sudo
      ? plainAnswers({ ...exec, command: words.join(" ") })
      : { code: 1, stderr: "sudo: a password is required\n" },
  "run-puppet.sh": runPuppet,
  reboot: ({ host }) => {
    host.reboot();
    // The session ends with the host.
    return new Promise(() => undefined);
  },
};
