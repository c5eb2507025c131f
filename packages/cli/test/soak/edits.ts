// Edits of a daemon's document, in the ways in which files are written, and how the daemon tells of each.

import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fleet } from "../fleet.ts";

export interface Edit {
  readonly name: string;
  readonly write: (file: string, text: string, turn: number) => Promise<void>;
  /** The daemon keeps what it had, and says that. */
  readonly isFaulty: boolean;
}

/** So many members, in two groups. */
export const textOf = (total: number): string =>
  fleet(0, {
    groups: [
      { name: "web", count: total - 1 },
      { name: "batch", count: 1 },
    ],
  });

/** What a daemon says when it does not take a file. */
export const keptWords = /the content of before holds/u;

const replace: Edit = {
  name: "atomic replacement",
  isFaulty: false,
  write: async (file, text) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  },
};

const swap: Edit = {
  name: "symlink swap",
  isFaulty: false,
  write: async (file, text, turn) => {
    const version = path.join(path.dirname(file), `version-${turn}`);
    await mkdir(version, { recursive: true });
    await writeFile(path.join(version, "fleet.yaml"), text);
    await symlink(path.join(version, "fleet.yaml"), `${file}.link`);
    await rename(`${file}.link`, file);
  },
};

const inPlace: Edit = {
  name: "written in place",
  isFaulty: false,
  write: (file, text) => writeFile(file, text),
};

const half: Edit = {
  name: "half-written",
  isFaulty: true,
  write: (file, text, turn) => {
    // Never at the end of a line: what is whole there cannot be told from a shorter document.
    const cut = Math.floor(text.length * (0.3 + 0.1 * (turn % 7)));
    return writeFile(file, text.slice(0, text[cut - 1] === "\n" ? cut + 1 : cut));
  },
};

const wrong: Edit = {
  name: "a wrong field",
  isFaulty: true,
  write: (file, text) => writeFile(file, text.replace("count: 1\n", "count: many\n")),
};

const gone: Edit = { name: "removed", isFaulty: true, write: (file) => rm(file) };

export const edits: ReadonlyArray<Edit> = [replace, half, swap, wrong, inPlace, gone];
