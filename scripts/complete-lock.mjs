// Names the binaries of every platform in the lock file, also where the registry in use lacks some.
//
// npm leaves out an optional package that it cannot look up, and `npm ci` then refuses the lock file
// everywhere. Run by `npm run lock`, after dependencies changed.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./setup.mjs";

const file = path.join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(file, "utf8"));

const systems = /\b(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)\b/;
const processors = /\b(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)\b/;
const libraries = { gnu: "glibc", gnueabihf: "glibc", musl: "musl", musleabihf: "musl" };

/** What its name says of the platform that a binary is for; empty when it says nothing. */
const platformOf = (name) => {
  const [, cpu] = processors.exec(name) ?? [];
  const [, os] = systems.exec(name) ?? [];
  const libc = os === "linux" ? libraries[name.split("-").at(-1)] : undefined;
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(os === undefined ? {} : { os: [os] }),
  };
};

const added = [];
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(place, name)) continue;
    const platform = platformOf(name);
    if (!/^\d+\.\d+\.\d+$/.test(version) || Object.keys(platform).length === 0) {
      throw new Error(`cannot tell what ${name} ${version} of ${place} is`);
    }
    const dev = entry.dev === true ? { dev: true } : {};
    lock.packages[`node_modules/${name}`] = { version, ...dev, optional: true, ...platform };
    added.push(name);
  }
}

/** Whether a package that `place` asks for stands in the lock file, beside it or above. */
function isLocked(place, name) {
  if (lock.packages[`${place}/node_modules/${name}`] !== undefined) return true;
  if (place === "") return lock.packages[`node_modules/${name}`] !== undefined;
  const above = place.lastIndexOf("/node_modules/");
  return isLocked(above === -1 ? "" : place.slice(0, above), name);
}

const order = (a, b) => a.localeCompare(b, "en");
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => order(a, b)));
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length} binaries of other platforms added to the lock file\n`);
