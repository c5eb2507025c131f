// Runs a command of this repository on a fresh machine too: installs, builds, then hands over.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { build, ensureInstalled, root, toolEnv } from "./setup.mjs";

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  process.stderr.write("usage: node scripts/with-setup.mjs COMMAND [ARGUMENT...]\n");
  process.exit(1);
}
if (Number(process.versions.node.split(".")[0]) < 20) {
  process.stderr.write(`muster: needs Node 20 or newer, and this is ${process.versions.node}\n`);
  process.exit(1);
}

ensureInstalled();
build();

const child = spawn(command, args, { cwd: root, env: toolEnv(), stdio: "inherit" });
// A terminal tells the whole group; others tell only us.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => void child.kill(signal));
}
child.on("error", (error) => {
  process.stderr.write(`muster: cannot start ${command}: ${error.message}\n`);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});
