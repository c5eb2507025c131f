// Answers muster's probe in the place of an emulated host's shell, in the same words as its script.

import { createHash } from "node:crypto";
import type { EmulatedAnswer, EmulatedExec, EmulatedHost } from "./emulated-host.ts";

/** How the command of a probe begins; its script reads a frame of values from standard input. */
const beginning = "exec sh -c 'IFS= read -r mark ";

export const isProbe = (command: string): boolean => command.startsWith(beginning);

export const answerProbe = async ({ host, stdin }: EmulatedExec): Promise<EmulatedAnswer> => {
  const frame = (await stdin()).toString("utf8").split("\n");
  const [mark = "", role = "", override = "", lastRun = "", most = "", dot] = frame;
  // A frame that was cut does nothing.
  if (dot !== ".") return { code: 64 };
  const lines = [
    `${mark} begin`,
    "os=Emulated",
    `boot=${host.bootId}`,
    `uptime=${host.uptimeSeconds.toFixed(2)}`,
    `sudo=${host.sudo ? "yes" : "no"}`,
    ...roleLines(host.read(role)),
    ...fileLines(host, "override", override, Number(most)),
    ...fileLines(host, "puppet", lastRun, Number(most)),
    `${mark} end`,
    "",
  ];
  return { stdout: lines.join("\n") };
};

const roleLines = (content: string | undefined): readonly string[] =>
  content === undefined ? ["role-absent"] : [`role=${content.split("\n")[0]}`];

const fileLines = (
  host: EmulatedHost,
  name: string,
  path: string,
  most: number,
): readonly string[] => {
  const content = host.read(path);
  if (content === undefined) return [`${name}-absent`];
  const bytes = Buffer.from(content);
  if (bytes.length > most) {
    return [`${name}-long=${createHash("sha256").update(bytes).digest("hex")}`];
  }
  const base64 = bytes.toString("base64").match(/.{1,76}/gu) ?? [];
  return [`${name}-base64=${bytes.length}`, ...base64, `${name}-end`];
};
