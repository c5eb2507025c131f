// Decides what a seed file says: one host per line, `[user@]host[:port]`, and every fault at its place.

import type { HostAddress } from "../words/contact.ts";
import type { Diagnostic } from "../words/diagnostic.ts";
import { quote } from "../words/quote.ts";

export interface SeedFile {
  readonly addresses: ReadonlyArray<HostAddress>;
  readonly diagnostics: ReadonlyArray<Diagnostic>;
}

/** The longest name that DNS has. */
const longestName = 253;
/** `[user@]host[:port]`; an IPv6 address that is followed by a port stands in brackets. */
const seedPattern =
  /^(?:(?<user>[^\s@]+)@)?(?:\[(?<bracketed>[^\]\s]*)\]|(?<bare>[^\s[\]:]*?))(?::(?<port>[^\s:]*))?$/u;
const namePattern =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/u;
/** Of the accounts that exist anywhere; what a shell or an option would take for more is none. */
const userPattern = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}\$?$/u;

const form = "one host per line: [user@]host[:port]";

/**
 * Every host of the file in its order, each once, and all faults. A line with a fault brings no
 * host; a host that stands twice is a warning when both lines say the same, else an error.
 */
export const readSeedFile = (file: string, text: string): SeedFile => {
  const addresses = new Map<string, { readonly address: HostAddress; readonly line: number }>();
  const diagnostics: Array<Diagnostic> = [];
  const lines = text.replace(/^\u{FEFF}/u, "").split(/\r\n|\n|\r/u);
  for (const [index, raw] of lines.entries()) {
    const said = raw.replace(/(?:^|\s)#.*$/u, "");
    const seed = said.trim();
    if (seed === "") continue;
    const place = { file, line: index + 1, column: said.indexOf(seed) + 1 };
    const read = readSeed(seed);
    if ("fault" in read) {
      diagnostics.push({ ...place, severity: "error", summary: read.fault, hint: read.hint });
      continue;
    }
    const before = addresses.get(read.address.host);
    if (before === undefined) {
      addresses.set(read.address.host, { address: read.address, line: place.line });
      continue;
    }
    diagnostics.push({ ...place, ...twice(before, read.address) });
  }
  return { addresses: Array.from(addresses.values(), ({ address }) => address), diagnostics };
};

const twice = (
  before: { readonly address: HostAddress; readonly line: number },
  address: HostAddress,
): Pick<Diagnostic, "severity" | "summary" | "hint"> => {
  const isSame = before.address.user === address.user && before.address.port === address.port;
  return {
    severity: isSame ? "warning" : "error",
    summary: `${quote(address.host)} stands in line ${before.line} already`,
    hint: isSame ? "remove one of the two" : "keep the line that is right: they differ",
  };
};

/** One host as people write it; a fault with what would be right. */
export const readSeed = (
  text: string,
): { readonly address: HostAddress } | { readonly fault: string; readonly hint: string } => {
  const parts = isIpv6(text.toLowerCase()) ? { bare: text } : seedPattern.exec(text)?.groups;
  if (parts === undefined) return { fault: `${quote(text)} is no host`, hint: form };
  const { user, bracketed, bare, port } = parts;
  const host = (bracketed ?? bare?.replace(/\.$/u, "") ?? "").toLowerCase();
  if (!isHost(host)) {
    return { fault: `${quote(host)} is no name or address of a host`, hint: form };
  }
  if (user !== undefined && !userPattern.test(user)) {
    return { fault: `${quote(user)} is no name of a user`, hint: form };
  }
  if (port !== undefined && !isPort(port)) {
    return { fault: `${quote(port)} is no port`, hint: "a whole number from 1 to 65535" };
  }
  return {
    address: {
      host,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port: Number(port) }),
    },
  };
};

const isHost = (host: string): boolean =>
  host.length <= longestName && (namePattern.test(host) || isIpv6(host));

/** Eight groups, or fewer around one `::`; the last two may be written as an IPv4 address. */
const isIpv6 = (text: string): boolean => {
  const [address = ""] = text.split(/%[a-z0-9_.-]+$/u);
  const halves = address.replace(/:\d{1,3}(?:\.\d{1,3}){3}$/u, ":0:0").split("::");
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (halves.length > 2 || !groups.every((group) => /^[0-9a-f]{1,4}$/u.test(group))) return false;
  return halves.length === 2 ? groups.length < 8 : groups.length === 8;
};

const isPort = (text: string): boolean =>
  /^[0-9]{1,5}$/u.test(text) && Number(text) >= 1 && Number(text) <= 65_535;

/** As a seed file spells it. */
export const formatAddress = ({ host, user, port }: HostAddress): string => {
  const named = port !== undefined && host.includes(":") ? `[${host}]` : host;
  return `${user === undefined ? "" : `${user}@`}${named}${port === undefined ? "" : `:${port}`}`;
};
