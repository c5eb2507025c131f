// Reads an operator's OpenSSH configuration with all that it includes, once for all hosts.

import { readdir, readFile, stat } from "node:fs/promises";
import { hostname, homedir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import * as Effect from "effect/Effect";
import { escapeText, quote } from "@muster/core/words/quote";
import type { FileFinding } from "./known-hosts.ts";
import { isWild, matchesPattern } from "./pattern.ts";
import type { SshConfig, Surroundings } from "./ssh-config.ts";
import { readConfigText, type ConfigLine } from "./ssh-config-text.ts";

export interface SshConfigPlaces {
  /** The one file to read, which must be there; nothing: that of the user, then of the machine. */
  readonly file: string | null;
  readonly surroundings: Surroundings;
  /** The folder of the machine's configuration. Default `/etc/ssh`. */
  readonly systemFolder?: string;
}

/** Of who runs muster. */
export const ownSurroundings = (): Surroundings => {
  const { username, uid } = userInfo();
  return {
    home: process.env["HOME"] || homedir(),
    localUser: username,
    localHost: hostname(),
    uid,
    env: process.env,
  };
};

/** As deep as OpenSSH goes. */
const maxDepth = 16;
/** The longest file that is read, in bytes, and the most files. */
const maxBytes = 16 * 1024 * 1024;
const maxFiles = 10_000;

/** Fails when the one file that was named cannot be read; files that are included may be missing. */
export const readSshConfig = (
  places: SshConfigPlaces,
): Effect.Effect<SshConfig, { readonly message: string }> =>
  Effect.tryPromise({
    try: () => new ConfigReader(places).read(),
    catch: (cause) => ({ message: (cause as Error).message }),
  });

/** Keeps what was found while files are read. */
class ConfigReader {
  readonly #places: SshConfigPlaces;
  readonly #findings: Array<FileFinding> = [];
  #files = 0;

  constructor(places: SshConfigPlaces) {
    this.#places = places;
  }

  async read(): Promise<SshConfig> {
    const { file, surroundings, systemFolder = "/etc/ssh" } = this.#places;
    const userFolder = join(surroundings.home, ".ssh");
    const roots =
      file === null
        ? [
            { path: join(userFolder, "config"), folder: userFolder },
            { path: join(systemFolder, "ssh_config"), folder: systemFolder },
          ]
        : [{ path: file, folder: userFolder }];
    const files: Array<ReadonlyArray<ConfigLine>> = [];
    for (const { path, folder } of roots) {
      // `none` is how OpenSSH is told to read no file at all.
      const lines = path === "none" ? [] : await this.#readFile(path, folder, 0);
      if (lines === null && file !== null) throw new Error(`${quote(file)} is not there`);
      files.push(lines ?? []);
    }
    return { files, findings: this.#findings };
  }

  /** Nothing when it is not there. */
  async #readFile(
    path: string,
    folder: string,
    depth: number,
  ): Promise<ReadonlyArray<ConfigLine> | null> {
    const text = await this.#text(path, depth);
    if (text === null) return null;
    const lines: Array<ConfigLine> = [];
    for (const line of readConfigText(path, text)) {
      lines.push(
        line.word === "include"
          ? { ...line, included: await this.#include(line, folder, depth + 1) }
          : line,
      );
    }
    return lines;
  }

  async #text(path: string, depth: number): Promise<string | null> {
    try {
      const { size } = await stat(path);
      if (size > maxBytes) throw new Error(`is longer than ${maxBytes} bytes`);
      this.#files += 1;
      if (this.#files > maxFiles) throw new Error(`is one of more than ${maxFiles} files`);
      return await readFile(path, "utf8");
    } catch (cause) {
      const { code, message } = cause as Error & { readonly code?: string };
      if (code === "ENOENT") return null;
      const why = code === undefined ? message : escapeText(code);
      if (depth === 0 && this.#places.file !== null) {
        throw new Error(`${quote(path)}: ${why}`, { cause });
      }
      this.#findings.push({ file: path, line: 0, message: `cannot be read: ${why}` });
      return null;
    }
  }

  async #include(
    line: ConfigLine,
    folder: string,
    depth: number,
  ): Promise<ReadonlyArray<ConfigLine>> {
    const at = { file: line.file, line: line.line };
    if (depth > maxDepth) {
      this.#findings.push({ ...at, message: `includes files more than ${maxDepth} deep` });
      return [];
    }
    if (line.args === null) this.#findings.push({ ...at, message: "cannot be read" });
    const lines: Array<ConfigLine> = [];
    for (const pattern of line.args ?? []) {
      for (const path of await filesOf(this.#absolute(pattern, folder))) {
        lines.push(...((await this.#readFile(path, folder, depth)) ?? []));
        // One file's last block ends with the file.
        lines.push(endOfFile(line));
      }
    }
    return lines;
  }

  #absolute(pattern: string, folder: string): string {
    const { home } = this.#places.surroundings;
    if (pattern.startsWith("~/")) return join(home, pattern.slice(2));
    return isAbsolute(pattern) ? pattern : join(folder, pattern);
  }
}

/** Lets what follows an included file apply as if its blocks had not been. */
const endOfFile = ({ file, line }: ConfigLine): ConfigLine => ({
  ...{ file, line, word: "match", args: ["all"], rest: "all", included: [] },
});

/** The files that a pattern names, in the order of their names; hidden ones only when it says so. */
const filesOf = async (pattern: string): Promise<ReadonlyArray<string>> => {
  let paths: ReadonlyArray<string> = ["/"];
  for (const part of pattern.split("/").filter((name) => name !== "")) {
    if (!isWild(part)) {
      paths = paths.map((path) => join(path, part));
      continue;
    }
    const found = await Promise.all(paths.map((path) => namesIn(path, part)));
    paths = found.flat();
  }
  return paths;
};

const namesIn = async (folder: string, pattern: string): Promise<ReadonlyArray<string>> => {
  const names = await readdir(folder).catch((): ReadonlyArray<string> => []);
  return names
    .filter((name) => matchesPattern(pattern, name))
    .filter((name) => pattern.startsWith(".") || !name.startsWith("."))
    .sort()
    .map((name) => join(folder, name));
};
