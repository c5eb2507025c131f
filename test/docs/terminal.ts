// Runs the blocks of a page as a reader would: one shell for the page, and further terminals for what goes on.

import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import type { Readable } from "node:stream";
import { type Block, place } from "./blocks.ts";
import type { Checkout } from "./checkout.ts";
import { openWorld } from "./worlds.ts";

/** A block goes on no longer than this, on a machine with much else to do. */
const blockMillis = 120_000;

/** Runs the blocks in their order; rejects with the place and the output of the one that failed. */
export const runBlocks = async (plain: Checkout, blocks: ReadonlyArray<Block>): Promise<void> => {
  const needed = blocks.map((block) => optionOf(block, "needs")).find((name) => name !== null);
  const world = needed === undefined ? null : await openWorld(needed, plain);
  const checkout = { ...plain, env: { ...plain.env, ...world?.env } };
  const others: Array<Terminal> = [];
  let printed = "";
  const shell = openTerminal(checkout, ["-s"]);
  try {
    for (const [index, block] of blocks.entries()) {
      const until = optionOf(block, "until");
      if (isPrinted(block)) {
        checkPrinted(block, printed);
        continue;
      }
      if (until !== null) {
        const other = openTerminal(checkout, ["-c", block.text]);
        others.push(other);
        printed = await other.until(until, block);
        continue;
      }
      const file = path.join(path.dirname(checkout.folder), `block-${index}.sh`);
      await writeFile(file, block.text);
      printed = await shell.run(file, Number(optionOf(block, "exit") ?? 0), block);
    }
  } finally {
    for (const terminal of [...others, shell]) await terminal.end();
    await world?.close();
  }
};

/** `text printed` shows what the block before it prints. */
const isPrinted = ({ words }: Block): boolean => words.join(" ").startsWith("text printed");

/** Each line must be there, in this order, unless the block is shown on another page (`by=PAGE`). */
const checkPrinted = (block: Block, printed: string): void => {
  const ordered = optionOf(block, "by") === null;
  let rest = oneBlank(printed);
  for (const line of block.text.split("\n").filter((one) => one !== "")) {
    const found = new RegExp(`^.*?${printedPattern(oneBlank(line))}`, "mu").exec(rest);
    if (found === null) {
      throw new Error(`${place(block)}: not printed, or not here: ${line}\n\n${printed}`);
    }
    if (ordered) rest = rest.slice(found.index + found[0].length);
  }
};

/** `…`, a time and the short id of a commit stand for what differs from run to run. */
const printedPattern = (line: string): string =>
  line
    .split(/(…|\b\d+\.\d s\b|\b[0-9a-f]{12}\b)/u)
    .map((part, index) => (index % 2 === 0 ? escaped(part) : ".*?"))
    .join("");

const escaped = (text: string): string => text.replaceAll(/[$()*+./?[\\\]^{|}]/gu, "\\$&");

const oneBlank = (text: string): string => text.replaceAll(/[ \t]+/gu, " ");

/** `name=value` among the words of a block. */
const optionOf = ({ words }: Block, name: string): string | null =>
  words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;

interface Terminal {
  /** Lets the shell read the file, as if somebody had typed it, and compares how it ended. */
  readonly run: (file: string, code: number, block: Block) => Promise<string>;
  /** Resolves once the text was printed. Both answer what was printed. */
  readonly until: (text: string, block: Block) => Promise<string>;
  /** Control-C, and waits. */
  readonly end: () => Promise<void>;
}

const openTerminal = (checkout: Checkout, args: ReadonlyArray<string>): Terminal => {
  const child = spawn("bash", ["--noprofile", "--norc", ...args], {
    cwd: checkout.folder,
    env: checkout.env,
    // A group of its own: Control-C reaches all that the shell started.
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let printed = "";
  let answered = "";
  let look = (): void => undefined;
  const collect = (stream: Readable, add: (text: string) => void) =>
    stream.on("data", (data: Buffer) => {
      add(data.toString());
      look();
    });
  collect(child.stdout, (text) => (printed += text));
  collect(child.stderr, (text) => (printed += text));
  collect(child.stdio[3] as Readable, (text) => (answered += text));
  child.stdin.on("error", () => undefined);

  const waitFor = (block: Block, from: number, seen: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer);
        reject(new Error(`${place(block)}: ${why}\n${block.text}\n${printed.slice(from)}`));
      };
      const timer = setTimeout(() => fail("does not end"), blockMillis);
      look = () => {
        if (!seen()) return;
        clearTimeout(timer);
        resolve();
      };
      void ended.then(() => (seen() ? look() : fail("the shell ended")));
      look();
    });

  return {
    run: async (file, code, block) => {
      const from = printed.length;
      answered = "";
      const pipeline = code === 0 ? "set -eu -o pipefail" : "set -u +e";
      child.stdin.write(
        `${pipeline}; trap 'echo failed $? >&3' EXIT; . '${file}' </dev/null; echo ended $? >&3\n`,
      );
      await waitFor(block, from, () => /^(ended|failed) \d+\n/u.test(answered));
      const [, , status] = /^(ended|failed) (\d+)/u.exec(answered)!;
      if (Number(status) === code) return printed.slice(from);
      throw new Error(
        `${place(block)}: ended with ${status}, not ${code}\n${block.text}\n${printed.slice(from)}`,
      );
    },
    until: async (text, block) => {
      await waitFor(block, 0, () => printed.includes(text));
      return printed;
    },
    end: async () => {
      child.stdin.end();
      signalGroup(child, "SIGINT");
      const timer = setTimeout(() => signalGroup(child, "SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
};

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined || child.pid <= 1 || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended meanwhile.
  }
};
