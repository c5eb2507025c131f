#!/usr/bin/env node
// Says which Node it needs before anything is imported that an older one cannot read.
const [major] = process.versions.node.split(".").map(Number);
if (major < 24) {
  process.stderr.write(
    `fleetroll: needs Node 24 or newer, and this is Node ${process.versions.node}: install it, or run fleetroll through npx in a project that has node@24\n`,
  );
  process.exitCode = 1;
} else {
  import("../dist/fleetroll-main.js").catch((error) => {
    if (
      error?.code !== "ERR_MODULE_NOT_FOUND" ||
      !String(error.message).includes("fleetroll-main.js")
    ) {
      throw error;
    }
    process.stderr.write("fleetroll: not built yet: run npm run build\n");
    process.exitCode = 1;
  });
}
