// Runs one command of an emulated host: its answer, or what its fault makes of it.

import type { Writable } from "node:stream";
import type { ServerChannel } from "ssh2";
import type { Answerer, EmulatedAnswer, EmulatedExec } from "./emulated-host.ts";
import { bytesBeforeCut, latenessOf, shellExitCode, textOf, type HostFault } from "./faults.ts";

export interface ExecSubject {
  readonly host: EmulatedExec["host"];
  readonly command: string;
  readonly fault: HostFault | undefined;
  readonly answer: Answerer;
  /** Ends the connection at once. */
  readonly cut: () => void;
}

export const runExec = async (channel: ServerChannel, subject: ExecSubject): Promise<void> => {
  const { fault } = subject;
  // What went wrong on the way to the client ends with its connection.
  channel.on("error", () => undefined);
  const stdin = collect(channel);
  const pause = (ms: number): Promise<boolean> => late(channel, ms);
  const say = (stream: "stdout" | "stderr", text: string): void => {
    if (isHeard(channel)) (stream === "stdout" ? channel : channel.stderr).write(text);
  };
  const compute = (): Promise<EmulatedAnswer> => answerOf(subject, { stdin, say, pause });
  switch (fault?.name) {
    case "hang-in-exec":
      return;
    case "endless-output":
      return writeForEver(channel, channel);
    case "endless-errors":
      return writeForEver(channel, channel.stderr);
    case "forged-end":
      return end(channel, { stdout: forgedText(fault, await stdin()) });
    case "noisy-shell":
      channel.write(textOf(fault));
      return end(channel, await compute());
    case "shell-exits":
      return end(channel, { code: shellExitCode, stderr: textOf(fault) });
    case "slow-exec":
      await late(channel, latenessOf(fault));
      return end(channel, await compute());
    case "cut-in-exec":
      return sayTheBeginning(channel, await wholeOf(subject, { stdin, pause }), subject.cut);
    default:
      return end(channel, await compute());
  }
};

const forgedText = (fault: HostFault, stdin: Buffer): string =>
  textOf(fault).replaceAll("{mark}", stdin.toString("latin1").split("\n")[0]!);

const answerOf = async (
  { answer, command, host }: ExecSubject,
  io: Pick<EmulatedExec, "stdin" | "say" | "pause">,
): Promise<EmulatedAnswer> => {
  try {
    return await answer({ host, command, ...io });
  } catch (defect) {
    return { code: 255, stderr: `the answerer failed: ${String(defect)}\n` };
  }
};

/** What is asked for later must be read from the start, or the client could never send it all. */
const collect = (channel: ServerChannel): (() => Promise<Buffer>) => {
  const chunks: Buffer[] = [];
  const whole = new Promise<Buffer>((resolve) => {
    channel.on("data", (chunk: Buffer) => chunks.push(chunk));
    channel.once("end", () => resolve(Buffer.concat(chunks)));
    channel.once("close", () => resolve(Buffer.concat(chunks)));
  });
  return () => whole;
};

/** With all that it says before its end. */
const wholeOf = async (
  subject: ExecSubject,
  io: Pick<EmulatedExec, "stdin" | "pause">,
): Promise<EmulatedAnswer> => {
  let said = "";
  const say: EmulatedExec["say"] = (stream, text) => {
    if (stream === "stdout") said += text;
  };
  const answer = await answerOf(subject, { ...io, say });
  return {
    ...answer,
    stdout: Buffer.concat([Buffer.from(said), Buffer.from(answer.stdout ?? "")]),
  };
};

const end = (channel: ServerChannel, { code, stdout, stderr }: EmulatedAnswer): void => {
  if (channel.destroyed) return;
  if (stderr !== undefined && stderr !== "") channel.stderr.write(stderr);
  if (stdout !== undefined && stdout.length > 0) channel.write(stdout);
  channel.exit(code ?? 0);
  channel.end();
};

const sayTheBeginning = (
  channel: ServerChannel,
  { stdout }: EmulatedAnswer,
  cut: () => void,
): void => {
  const beginning = Buffer.from(stdout ?? "").subarray(0, bytesBeforeCut);
  if (beginning.length === 0) cut();
  else channel.write(beginning, cut);
};

/** Answers whether anybody still hears it. */
const late = async (channel: ServerChannel, ms: number): Promise<boolean> => {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    channel.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  return isHeard(channel);
};

const isHeard = (channel: ServerChannel): boolean => !channel.destroyed && channel.writable;

const manyLines = Buffer.from("y\n".repeat(131_072));

const writeForEver = (channel: ServerChannel, stream: Writable): void => {
  const more = (): void => {
    // A turn of the loop between two writes: other hosts of this process go on.
    if (channel.destroyed || !channel.writable) return;
    if (stream.write(manyLines)) setImmediate(more);
    else stream.once("drain", more);
  };
  more();
};
