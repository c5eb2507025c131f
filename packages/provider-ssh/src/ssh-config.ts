// Decides what an OpenSSH configuration says for one host, as `ssh -G` would, without running anything.
//
// The npm package ssh-config was looked at and does not fit: it runs `Match exec` and nslookup by
// itself, does not follow Include, and expands no tokens.

import type { HostAddress } from "@muster/core/words/contact";
import { quote } from "@muster/core/words/quote";
import type { FileFinding } from "./known-hosts.ts";
import { matchesList } from "./pattern.ts";
import { blocksFor } from "./ssh-config-blocks.ts";
import { shownLine, type ConfigLine } from "./ssh-config-text.ts";
import { disobeyed, isOpensshWord, obeyedWords, type ObeyedWord } from "./ssh-config-words.ts";

/** What was read, in the order in which it counts: the first value wins. */
export interface SshConfig {
  readonly files: ReadonlyArray<ReadonlyArray<ConfigLine>>;
  /** What could not be read, for whichever host. */
  readonly findings: ReadonlyArray<FileFinding>;
}

/** What a configuration may speak of beside the host. */
export interface Surroundings {
  /** The home folder of who runs muster. */
  readonly home: string;
  readonly localUser: string;
  readonly localHost: string;
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A finding that concerns one host; an `error` means that the host cannot be reached as was meant. */
export interface SettingFinding extends FileFinding {
  readonly severity: "error" | "warning";
}

/** How a host is reached. */
export interface HostSettings {
  /** As it was asked for. */
  readonly host: string;
  /** Where it is. */
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** Files of private keys, in the order of trying; nothing: the usual ones, where they exist. */
  readonly identityFiles: ReadonlyArray<string> | null;
  /** Whether the agent offers only what the files name. */
  readonly identitiesOnly: boolean;
  /** The socket of the agent. */
  readonly identityAgent: string | null;
  readonly userKnownHostsFiles: ReadonlyArray<string>;
  readonly globalKnownHostsFiles: ReadonlyArray<string>;
  /** What becomes of a key that nothing is known of: it is refused, or kept and trusted. */
  readonly unknownKeys: "refuse" | "accept-new";
  /** Whether names are hashed in known_hosts. */
  readonly hashKnownHosts: boolean;
  /** The name that stands in known_hosts instead of host and port. */
  readonly hostKeyAlias: string | null;
  /** The hosts to go through, the first one first. */
  readonly jumps: ReadonlyArray<HostAddress>;
  /** In seconds. */
  readonly connectTimeoutSeconds: number | null;
  readonly findings: ReadonlyArray<SettingFinding>;
}

interface Reading {
  readonly address: HostAddress;
  readonly surroundings: Surroundings;
  /** The first line of each word, and all of those of IdentityFile. */
  readonly first: Map<ObeyedWord, ConfigLine>;
  readonly identityFiles: Array<ConfigLine>;
  /** Which of ProxyJump and ProxyCommand came first: the other is not heard. */
  proxy: "proxyjump" | "proxycommand" | null;
  readonly disobeyed: Map<string, SettingFinding>;
  readonly ignoreUnknown: Array<string>;
}

const isObeyed = (word: string): word is ObeyedWord =>
  (obeyedWords as ReadonlyArray<string>).includes(word);

/** What the address leaves out, the configuration says. Pure; unknown words are findings. */
export const settingsFor = (
  config: SshConfig,
  address: HostAddress,
  surroundings: Surroundings,
): HostSettings => {
  const reading: Reading = {
    ...{ address, surroundings, proxy: null },
    ...{ first: new Map(), identityFiles: [], disobeyed: new Map(), ignoreUnknown: [] },
  };
  for (const lines of config.files) readLines(reading, lines);
  return conclude(reading);
};

/** Goes through the lines of one file, whose first ones apply. */
const readLines = (reading: Reading, lines: ReadonlyArray<ConfigLine>): void => {
  for (const { head, lines: own } of blocksFor(lines, reading.address.host)) {
    if (head !== null && !blockApplies(reading, head)) continue;
    for (const line of own) {
      // What an inactive block includes can apply to nobody.
      if (line.word === "include") readLines(reading, line.included);
      else take(reading, line);
    }
  }
};

const blockApplies = (reading: Reading, head: ConfigLine): boolean =>
  head.word === "match"
    ? matchApplies(reading, head)
    : head.args !== null && hostApplies(reading, head.args);

const hostApplies = ({ address }: Reading, patterns: ReadonlyArray<string>): boolean =>
  matchesList(patterns, address.host);

const take = (reading: Reading, line: ConfigLine): void => {
  const { word, args } = line;
  if (args === null || (args.length === 0 && word !== "proxyjump")) {
    tell(reading, line, "error", `${shownLine(line)} cannot be read`);
  } else if (word === "proxyjump" || word === "proxycommand") {
    reading.proxy ??= word;
    if (reading.proxy !== word) return;
    if (word === "proxyjump") keepFirst(reading, word, line);
    else tellDisobeyed(reading, line, args);
  } else if (word === "identityfile") {
    reading.identityFiles.push(line);
  } else if (isObeyed(word)) {
    keepFirst(reading, word, line);
  } else if (word === "ignoreunknown") {
    reading.ignoreUnknown.push(...args.flatMap((list) => list.toLowerCase().split(",")));
  } else if (isOpensshWord(word) || !matchesList(reading.ignoreUnknown, word)) {
    // IgnoreUnknown speaks of words that OpenSSH does not know: RevokedHostKeys counts all the same.
    tellDisobeyed(reading, line, args);
  }
};

const keepFirst = (reading: Reading, word: ObeyedWord, line: ConfigLine): void => {
  if (!reading.first.has(word)) reading.first.set(word, line);
};

const tellDisobeyed = (reading: Reading, line: ConfigLine, args: ReadonlyArray<string>): void => {
  // Only the first value would count.
  if (reading.disobeyed.has(line.word)) return;
  const what = disobeyed(line.word, args);
  const { file, line: at } = line;
  if (what !== null) reading.disobeyed.set(line.word, { file, line: at, ...what });
};

const tell = (
  reading: Reading,
  { file, line, word }: ConfigLine,
  severity: "error" | "warning",
  message: string,
): void => {
  reading.disobeyed.set(`${word} ${file} ${line}`, { file, line, severity, message });
};

/** Criteria that need no look at the world; the others are answered no, and named. */
const matchApplies = (reading: Reading, line: ConfigLine): boolean => {
  const words = (line.args ?? []).flatMap(splitCriterion);
  if (words.length === 0) {
    tell(reading, line, "error", `${shownLine(line)} cannot be read`);
    return false;
  }
  let applies = true;
  for (let at = 0; at < words.length && applies; at += 1) {
    const negated = words[at]!.startsWith("!");
    const criterion = words[at]!.slice(negated ? 1 : 0).toLowerCase();
    if (criterion === "all") continue;
    // Names are never made canonical here, so there is no second reading either.
    if (criterion === "canonical" || criterion === "final") {
      applies = negated;
      if (criterion === "final" && !negated) {
        tell(reading, line, "warning", "Match final is not supported");
      }
      continue;
    }
    at += 1;
    const answer = meets(reading, criterion, words[at] ?? "");
    if (answer !== null) applies = answer !== negated;
    else {
      applies = false;
      const message = criterion === "exec" ? "is never run" : "is not supported";
      tell(
        reading,
        line,
        "warning",
        `Match ${quote(criterion)} ${message}: its lines are left out`,
      );
    }
  }
  return applies;
};

const splitCriterion = (word: string): ReadonlyArray<string> => {
  const [, name, value] = /^(!?[a-z]+)=(.*)$/i.exec(word) ?? [];
  return name === undefined ? [word] : [name, ...(value === "" ? [] : [value!])];
};

/** Nothing for a criterion that is not judged. */
const meets = (reading: Reading, criterion: string, patterns: string): boolean | null => {
  const { address, surroundings } = reading;
  const isIn = (text: string): boolean => matchesList(patterns.split(","), text);
  switch (criterion) {
    case "host":
      return isIn(hostNameOf(reading));
    case "originalhost":
      return isIn(address.host);
    case "user":
      return isIn(userOf(reading));
    case "localuser":
      return isIn(surroundings.localUser);
    default:
      return null;
  }
};

const firstArg = (reading: Reading, word: ObeyedWord): string | undefined =>
  reading.first.get(word)?.args?.[0];

const hostNameOf = (reading: Reading): string => {
  const { host } = reading.address;
  const written = firstArg(reading, "hostname");
  return written?.replaceAll(/%[%h]/g, (token) => (token === "%h" ? host : "%")) ?? host;
};

const userOf = ({ address, surroundings, first }: Reading): string =>
  address.user ?? first.get("user")?.args?.[0] ?? surroundings.localUser;

const usualPort = 22;

const conclude = (reading: Reading): HostSettings => {
  const { address } = reading;
  const known = { host: address.host, hostName: hostNameOf(reading), user: userOf(reading) };
  const port = address.port ?? portOf(reading) ?? usualPort;
  const tokens = tokensOf(reading, { ...known, port });
  const files = filesOf(reading, tokens);
  return {
    ...known,
    port,
    identityFiles: files.identities,
    identitiesOnly: flag(reading, "identitiesonly"),
    identityAgent: agentOf(reading, tokens),
    userKnownHostsFiles: files.user,
    globalKnownHostsFiles: files.global,
    unknownKeys: unknownKeysOf(reading),
    hashKnownHosts: flag(reading, "hashknownhosts"),
    hostKeyAlias: firstArg(reading, "hostkeyalias") ?? null,
    jumps: jumpsOf(reading, tokens),
    connectTimeoutSeconds: connectTimeoutOf(reading),
    // Told last: each of the above may have found something.
    findings: [...reading.disobeyed.values()],
  };
};

const bad = (reading: Reading, word: ObeyedWord): void => {
  const line = reading.first.get(word)!;
  tell(reading, line, "error", `${shownLine(line)} has no value that muster knows`);
};

const portOf = (reading: Reading): number | null => {
  const text = firstArg(reading, "port");
  if (text === undefined) return null;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  bad(reading, "port");
  return null;
};

const flag = (reading: Reading, word: "identitiesonly" | "hashknownhosts"): boolean => {
  const text = firstArg(reading, word)?.toLowerCase();
  if (text === undefined || text === "no" || text === "false") return false;
  if (text !== "yes" && text !== "true") bad(reading, word);
  return true;
};

const unknownKeysOf = (reading: Reading): HostSettings["unknownKeys"] => {
  const text = firstArg(reading, "stricthostkeychecking")?.toLowerCase();
  if (text === "accept-new") return "accept-new";
  if (text === "no" || text === "off" || text === "false") {
    const line = reading.first.get("stricthostkeychecking")!;
    const message = "unknown and changed host keys are refused all the same";
    tell(reading, line, "warning", `${shownLine(line)} is never obeyed: ${message}`);
  } else if (text !== undefined && text !== "yes" && text !== "true" && text !== "ask") {
    bad(reading, "stricthostkeychecking");
  }
  return "refuse";
};

const secondsOf: Readonly<Record<string, number>> = {
  ...{ "": 1, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 },
};

const connectTimeoutOf = (reading: Reading): number | null => {
  const text = firstArg(reading, "connecttimeout")?.toLowerCase();
  if (text === undefined || text === "none") return null;
  const parts = [...text.matchAll(/(\d{1,9})([smhdw]?)/g)];
  const whole = parts.map(([part]) => part).join("") === text && text !== "";
  const seconds = parts.reduce((sum, [, n, unit]) => sum + Number(n) * secondsOf[unit ?? ""]!, 0);
  if (whole && seconds > 0) return seconds;
  bad(reading, "connecttimeout");
  return null;
};

type Tokens = Readonly<Record<string, string>>;

const tokensOf = (
  { address, surroundings, first }: Reading,
  known: { readonly hostName: string; readonly port: number; readonly user: string },
): Tokens => ({
  "%": "%",
  h: known.hostName,
  n: address.host,
  p: String(known.port),
  r: known.user,
  k: first.get("hostkeyalias")?.args?.[0] ?? address.host,
  d: surroundings.home,
  u: surroundings.localUser,
  i: String(surroundings.uid),
  l: surroundings.localHost,
  L: surroundings.localHost.split(".")[0] ?? "",
});

/** Nothing, and a finding, when something in it is not known. */
const expand = (
  reading: Reading,
  line: ConfigLine,
  text: string,
  tokens: Tokens,
): string | null => {
  const { home, env } = reading.surroundings;
  let unknown: string | undefined;
  const found = (name: string, value: string | undefined): string => {
    if (value === undefined) unknown ??= name;
    return value ?? "";
  };
  const atHome = text === "~" || text.startsWith("~/") ? `${home}${text.slice(1)}` : text;
  if (atHome.startsWith("~")) unknown = atHome.split("/")[0];
  const expanded = atHome.replaceAll(/%(.?)|\$\{([^}]*)\}/g, (whole, token, name) =>
    name === undefined ? found(whole, tokens[token]) : found(whole, env[name]),
  );
  if (unknown === undefined) return expanded;
  tell(reading, line, "error", `${quote(unknown)} in ${shownLine(line)} is not known`);
  return null;
};

const filesOf = (reading: Reading, tokens: Tokens) => ({
  identities: identitiesOf(reading, tokens),
  user: knownHostsOf(reading, "userknownhostsfile", tokens, [
    "~/.ssh/known_hosts",
    "~/.ssh/known_hosts2",
  ]),
  global: knownHostsOf(reading, "globalknownhostsfile", tokens, [
    "/etc/ssh/ssh_known_hosts",
    "/etc/ssh/ssh_known_hosts2",
  ]),
});

const knownHostsOf = (
  reading: Reading,
  word: "userknownhostsfile" | "globalknownhostsfile",
  tokens: Tokens,
  usual: ReadonlyArray<string>,
): ReadonlyArray<string> => {
  const line = reading.first.get(word);
  const { home } = reading.surroundings;
  if (line === undefined) return usual.map((file) => file.replace(/^~/, home));
  const args = line.args ?? [];
  if (args.length === 1 && args[0]!.toLowerCase() === "none") return [];
  return args.flatMap((text) => expand(reading, line, text, tokens) ?? []);
};

/** More than anybody has; a server ends after six attempts in any case. */
const maxIdentities = 100;

const identitiesOf = (reading: Reading, tokens: Tokens): ReadonlyArray<string> | null => {
  const lines = reading.identityFiles.slice(0, maxIdentities);
  if (lines.length === 0) return null;
  const files = lines.flatMap((line) => {
    const text = line.args![0]!;
    return text.toLowerCase() === "none" ? [] : (expand(reading, line, text, tokens) ?? []);
  });
  return [...new Set(files)];
};

const agentOf = (reading: Reading, tokens: Tokens): string | null => {
  const socket = (name: string): string | null => reading.surroundings.env[name] || null;
  const line = reading.first.get("identityagent");
  const text = line?.args?.[0];
  if (line === undefined || text === undefined || text === "SSH_AUTH_SOCK") {
    return socket("SSH_AUTH_SOCK");
  }
  if (text.toLowerCase() === "none") return null;
  const variable = /^\$(\w+)$/.exec(text)?.[1];
  return variable === undefined ? expand(reading, line, text, tokens) : socket(variable);
};

const jumpsOf = (reading: Reading, tokens: Tokens): ReadonlyArray<HostAddress> => {
  const line = reading.first.get("proxyjump");
  if (line === undefined) return [];
  const text = line.rest.replace(/\s*$/, "").replace(/^"(.*)"$/, "$1");
  if (text.toLowerCase() === "none") return [];
  const jumps = text.split(",").map((part) => {
    const expanded = expand(reading, line, part.trim(), tokens);
    return expanded === null ? null : readJump(expanded);
  });
  const read = jumps.flatMap((jump) => jump ?? []);
  if (read.length < jumps.length) {
    tell(reading, line, "error", `${shownLine(line)} names no hosts to go through`);
  }
  return read;
};

const jumpForm =
  /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]\s]+)\]|([^\s:[\]@/]+))(?::(\d{1,5}))?\/?$/i;

/** `[user@]host[:port]`, also as an address of `ssh://`; nothing when it is neither. */
const readJump = (text: string): HostAddress | null => {
  const [, user, bracketed, plain, port] = jumpForm.exec(text) ?? [];
  const host = bracketed ?? plain;
  const at = port === undefined ? null : Number(port);
  if (host === undefined || (at !== null && (at < 1 || at > 65_535))) return null;
  return {
    host: host.toLowerCase(),
    ...(user === undefined ? {} : { user }),
    ...(at === null ? {} : { port: at }),
  };
};

/** The most hosts that are gone through. */
const maxHops = 8;

/**
 * The way to a host: each host to go through, and the host itself at the end. As in OpenSSH, the
 * first one of a ProxyJump may have a ProxyJump of its own; that of the others is not asked for.
 * A text says why there is no way.
 */
export const routeTo = (
  config: SshConfig,
  address: HostAddress,
  surroundings: Surroundings,
): ReadonlyArray<HostSettings> | string => {
  const way: Array<HostSettings> = [];
  let next: HostAddress | undefined = address;
  while (next !== undefined) {
    const settings: HostSettings = settingsFor(config, next, surroundings);
    const [first, ...others]: ReadonlyArray<HostAddress> = settings.jumps;
    way.unshift(...others.map((hop) => settingsFor(config, hop, surroundings)), settings);
    if (way.length > maxHops + 1) {
      return `the way to ${quote(address.host)} leads through more than ${maxHops} hosts, or in a circle`;
    }
    next = first;
  }
  return way;
};
