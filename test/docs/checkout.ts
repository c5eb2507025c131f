// Makes a folder in which a page's commands run as in a fresh checkout, and touch nothing of ours.

import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";

/** What is no part of a checkout that somebody has just installed, or is written to by our own tests. */
const ours = new Set([".build", ".git", ".muster-dev", "muster-quickstart"]);

/** A folder that is to a command what the root of a checkout is, and may be written to. */
export interface Checkout {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

export const openCheckout = async (root: string): Promise<Checkout> => {
  const base = await mkdtemp(path.join(tmpdir(), "muster-docs-"));
  const folder = path.join(base, "muster");
  const home = path.join(base, "home");
  await Promise.all([mkdir(folder), mkdir(home)]);
  for (const entry of await readdir(root)) {
    if (ours.has(entry)) continue;
    await symlink(path.join(root, entry), path.join(folder, entry));
  }
  return {
    folder,
    // A newcomer's: nothing of ours, and a network that answers nobody.
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      LANG: "C.UTF-8",
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
      HTTP_PROXY: "http://127.0.0.1:9",
      HTTPS_PROXY: "http://127.0.0.1:9",
      NO_PROXY: "127.0.0.1,localhost",
      ...(process.env["MUSTER_CI_RUN"] === undefined
        ? {}
        : { MUSTER_CI_RUN: process.env["MUSTER_CI_RUN"] }),
    },
    close: () => rm(base, { recursive: true, force: true }),
  };
};
