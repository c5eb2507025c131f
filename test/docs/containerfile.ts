// Finds what is wrong with a Containerfile, where none can be built.

import { existsSync } from "node:fs";
import * as path from "node:path";

interface Instruction {
  readonly name: string;
  readonly text: string;
  /** 0 is what stands before the first FROM. */
  readonly stage: number;
}

const parseContainerfile = (text: string): ReadonlyArray<Instruction> => {
  const joined = text.replaceAll(/^#.*\n/gmu, "").replaceAll(/\\\n\s*/gu, "");
  let stage = 0;
  return joined
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name = "", rest = ""] = /^(\S+)\s*(.*)$/u.exec(line) ?? [];
      if (name === "FROM") stage += 1;
      return { name, text: rest.trim(), stage };
    });
};

const known = new Set([
  ...["FROM", "WORKDIR", "COPY", "RUN", "ENV", "VOLUME", "USER", "STOPSIGNAL"],
  ...["ENTRYPOINT", "CMD", "LABEL", "ARG", "EXPOSE"],
]);

interface Context {
  /** The folder that the build is given. */
  readonly root: string;
  /** The Node that the checkout brings. */
  readonly node: string;
}

export const containerFaults = (text: string, context: Context): ReadonlyArray<string> => {
  const all = parseContainerfile(text);
  const last = all.at(-1)?.stage ?? 0;
  const final = all.filter(({ stage }) => stage === last);
  const of = (name: string) => all.filter((one) => one.name === name);
  const texts = (name: string) => final.filter((one) => one.name === name).map((one) => one.text);
  const environment = texts("ENV").join(" ");
  const state = /XDG_STATE_HOME=(\S+)/u.exec(environment)?.[1];
  const installed = texts("RUN").join(" ");
  const user = texts("USER").at(-1);
  return [
    ...all.filter(({ name }) => !known.has(name)).map(({ name }) => `no instruction: ${name}`),
    ...of("FROM").flatMap((from) => fromFaults(from.text, context.node)),
    ...of("COPY").flatMap((copy) => copyFaults(copy.text, all, context.root)),
    ...of("RUN").flatMap((run) => runFaults(run.text)),
    ...check(last > 1, "one stage: what builds stays in the image"),
    ...check(/^[1-9]\d*:[1-9]\d*$/u.test(user ?? ""), "the user is no number, or is root"),
    ...check(
      final.findLastIndex(({ name }) => name === "USER") >
        final.findLastIndex(({ name }) => name === "RUN" || name === "COPY"),
      "something is made after USER",
    ),
    ...check(texts("STOPSIGNAL").join() === "SIGTERM", "the stop signal is not SIGTERM"),
    ...check(texts("VOLUME").join() === `${state}/muster`, "the state is no volume"),
    ...["git", "openssh-client", "ca-certificates"]
      .filter((name) => !new RegExp(`install .*\\b${name}\\b`, "u").test(installed))
      .map((name) => `not installed: ${name}`),
    ...texts("ENTRYPOINT").flatMap((entry) => entryFaults(entry, context.root)),
    ...check(texts("ENTRYPOINT").length === 1, "there is not one ENTRYPOINT"),
  ];
};

const check = (holds: boolean, fault: string): ReadonlyArray<string> => (holds ? [] : [fault]);

/** An exact version, and no host: where images come from is for whoever builds. */
const fromFaults = (text: string, node: string): ReadonlyArray<string> => {
  const [image = ""] = text.split(" ");
  return [
    ...check(/^[a-z]+:[\w.-]+$/u.test(image), `not one image with a version: ${image}`),
    ...check(image.startsWith(`node:${node}-`), `not Node ${node}: ${image}`),
  ];
};

const copyFaults = (
  text: string,
  all: ReadonlyArray<Instruction>,
  root: string,
): ReadonlyArray<string> => {
  const words = text.split(/\s+/u);
  const from = words.find((word) => word.startsWith("--from="))?.slice("--from=".length);
  const paths = words.filter((word) => !word.startsWith("--"));
  const stages = all
    .filter(({ name }) => name === "FROM")
    .flatMap((one) => / AS (\S+)$/u.exec(one.text)?.[1] ?? []);
  if (from !== undefined) return check(stages.includes(from), `no stage is called ${from}`);
  return [
    ...check(paths.length < 3 || paths.at(-1)!.endsWith("/"), `several go to a file: ${text}`),
    ...paths
      .slice(0, -1)
      .filter((source) => source.includes("..") || !existsSync(path.join(root, source)))
      .map((source) => `nothing to copy: ${source}`),
  ];
};

const runFaults = (text: string): ReadonlyArray<string> => {
  if (!text.includes("apt-get install")) return [];
  return [
    ...check(text.includes("--no-install-recommends"), "apt-get installs what is only recommended"),
    ...check(text.includes("rm -rf /var/lib/apt/lists/*"), "the lists of apt-get stay"),
  ];
};

/** As a list, so that signals reach muster and no shell; and to a file that the checkout has. */
const entryFaults = (text: string, root: string): ReadonlyArray<string> => {
  if (!text.startsWith("[")) return ["the ENTRYPOINT is no list: a shell would take the signals"];
  const words = JSON.parse(text) as ReadonlyArray<string>;
  return words
    .filter((word) => word.startsWith("/opt/muster/"))
    .map((word) => word.slice("/opt/muster/".length))
    .filter((file) => !existsSync(path.join(root, file)))
    .map((file) => `there is no ${file}`);
};
