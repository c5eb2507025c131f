// Runs `run-puppet.sh` in the place of an emulated host: says and writes what the script of a real one does.

import { createHash } from "node:crypto";
import type { EmulatedAnswer, EmulatedExec } from "./emulated-host.ts";
import { puppetPlan } from "./host-state.ts";

export const runPuppet = async ({ host, say, pause }: EmulatedExec): Promise<EmulatedAnswer> => {
  const [code = "0", lines = "0", seconds = "0"] = (host.read(puppetPlan) ?? "").trim().split(" ");
  say("stdout", "Info: Applying configuration\n");
  say("stderr", "Warning: a simulated one\n");
  for (let line = 1; line <= Number(lines); line += 1) {
    // A real one goes on unheard, too; nobody sees the difference.
    if (!(await pause(Number(seconds) * 1_000))) return {};
    say("stdout", `Notice: step ${line}\n`);
  }
  if (Number(code) !== 0) {
    return { code: Number(code), stderr: "Error: could not be applied\n" };
  }
  const override = host.read("/etc/puppet/ronin_settings");
  const run = {
    schema_version: 1,
    ts: new Date().toISOString().replace(/\.\d+Z$/u, "Z"),
    success: true,
    exit_code: 0,
    role: host.read("/etc/puppet_role")?.trim() ?? "",
    git_sha: "0".repeat(40),
    override_sha:
      override === undefined ? null : createHash("sha256").update(override).digest("hex"),
  };
  const written = host.write("/etc/puppet/last_run_metadata.json", `${JSON.stringify(run)}\n`);
  return written ? { stdout: "Notice: Applied configuration\n" } : { code: 1 };
};
