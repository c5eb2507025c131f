// Decides where the server listens, and which names it may be called by.

import { isIP } from "node:net";
import * as Result from "effect/Result";
import { quote } from "@muster/core/words/quote";

export interface Address {
  /** An IP address, without brackets, or a name. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const form = /^(?:\[(?<six>[^\]]*)\]|(?<host>[^:]*)):(?<port>\d{1,5})$/u;

/** Reads `host:port`, `[v6]:port`, or `:port`, which is the loopback and never all interfaces. */
export const parseListenAddress = (text: string): Result.Result<Address, string> => {
  const parts = form.exec(text)?.groups;
  const port = Number(parts?.["port"]);
  if (parts === undefined || port > 65_535) {
    return Result.fail(`${quote(text)} is no address: give HOST:PORT, [::1]:PORT or :PORT`);
  }
  const six = parts["six"];
  if (six !== undefined) {
    return isIP(six) === 6
      ? Result.succeed({ host: six, port })
      : Result.fail(`${quote(text)} holds no IPv6 address between its brackets`);
  }
  const host = parts["host"] === "" ? "127.0.0.1" : parts["host"]!;
  return isIP(host) === 4 || (isName(host) && !/^[\d.]+$/u.test(host))
    ? Result.succeed({ host, port })
    : Result.fail(`${quote(text)} names no host: use a name, or an address such as 127.0.0.1`);
};

const isName = (host: string): boolean =>
  host.length <= 253 && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/iu.test(host);

/** Whether only this machine reaches what listens there. */
export const isLoopback = (host: string): boolean =>
  host === "::1" ||
  host.toLowerCase() === "localhost" ||
  (isIP(host) === 4 && host.startsWith("127."));

/**
 * A page in a browser can have its own name resolve to this machine, and then read what we answer;
 * it cannot have an address or `localhost` for its name. So only those, and names that are listed.
 */
export const mayBeCalled = (header: string | undefined, names: ReadonlyArray<string>): boolean => {
  const [, six, host] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/u.exec(header ?? "") ?? [];
  if (six !== undefined) return isIP(six) === 6;
  if (host === undefined) return false;
  const name = host.toLowerCase().replace(/\.$/u, "");
  return (
    isIP(name) === 4 || name === "localhost" || names.some((one) => one.toLowerCase() === name)
  );
};
