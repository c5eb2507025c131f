// Answers muster's probe in the place of an emulated host's shell, in the same words as its script.

import { createHash } from "node:crypto";
import type { EmulatedAnswer, EmulatedExec, EmulatedHost } from "./emulated-host.ts";

/** How the command of a probe begins; its script reads a frame of values from standard input. */
const beginning = "exec /bin/sh -c 'IFS= read -r mark ";

export const isProbe = (command: string): boolean => command.startsWith(beginning);

export const answerProbe = async ({ host, stdin }: EmulatedExec): Promise<EmulatedAnswer> => {
  const frame = (await stdin()).toString("utf8").split("\n");
  const [mark = "", role = "", override = "", lastRun = "", most = "", dot] = frame;
  // A frame that was cut does nothing.
  if (dot !== ".") return { code: 64 };
  const parts = [
    `\n${mark} begin\n`,
    ...osLines(host),
    `boot=${host.bootId}\n`,
    `uptime=${host.uptimeSeconds.toFixed(2)}\n`,
    `sudo=${host.sudo ? "yes" : "no"}\n`,
    ...roleLines(host, role),
    ...fileLines(host, "override", override, Number(most)),
    ...fileLines(host, "puppet", lastRun, Number(most)),
    `${mark} end\n`,
  ];
  return { stdout: Buffer.concat(parts.map((part) => Buffer.from(part as string))) };
};

type Part = string | Buffer;

/** Up to the first line end, and without the bytes that no shell can hold. */
const firstLine = (content: Buffer): Buffer => {
  const end = content.indexOf("\n");
  return content.subarray(0, end < 0 ? content.length : end).filter((byte) => byte !== 0) as Buffer;
};

const osLines = (host: EmulatedHost): readonly Part[] => {
  const file = host.bytes("/etc/os-release");
  if (file === undefined) return ["os=Emulated\n"];
  if (file === "something else") return [];
  const name = file
    .toString("latin1")
    .split("\n")
    .find((line) => line.startsWith("PRETTY_NAME="));
  if (name === undefined) return [];
  return ["os=", firstLine(Buffer.from(name.slice("PRETTY_NAME=".length), "latin1")), "\n"];
};

const roleLines = (host: EmulatedHost, path: string): readonly Part[] => {
  const content = host.bytes(path);
  if (content === undefined) return ["role-absent\n"];
  return content === "something else" ? [] : ["role=", firstLine(content), "\n"];
};

/** So many times the most that is brought may a file be long and still be read for its hash. */
const hashedTimes = 1024;

const fileLines = (
  host: EmulatedHost,
  name: string,
  path: string,
  most: number,
): readonly Part[] => {
  const bytes = host.bytes(path);
  if (bytes === undefined) return [`${name}-absent\n`];
  if (bytes === "something else") return [];
  if (bytes.length > most * hashedTimes) return [`${name}-long=\n`];
  if (bytes.length > most) {
    return [`${name}-long=${createHash("sha256").update(bytes).digest("hex")}\n`];
  }
  const base64 = bytes.toString("base64").match(/.{1,76}/gu) ?? [];
  return [
    `${name}-base64=${bytes.length}\n`,
    ...base64.map((line) => `${line}\n`),
    `${name}-end\n`,
  ];
};
