// Leads one connection to an emulated host through ssh2's server: keys, identity, channels.

import { connect, type Socket } from "node:net";
import ssh2 from "ssh2";
import { longBanner } from "./faults.ts";
import { runExec } from "./emulated-exec.ts";
import type { Answerer, EmulatedHost } from "./emulated-host.ts";
import type { HostState } from "./host-state.ts";

export interface AttendantOptions {
  readonly state: HostState;
  /** The key that the host lets in. */
  readonly clientKey: string;
  readonly host: EmulatedHost;
  readonly answer: Answerer;
}

/** What a host can show of itself. */
type Shown = "key" | "otherKey" | "certificate" | "banner";

/** Takes connections; a server is made for each thing to show when it is first shown. */
export const makeAttendant = (options: AttendantOptions): ((socket: Socket) => void) => {
  const servers = new Map<Shown, ssh2.Server>();
  const sockets = new Map<string, Socket>();
  const serverFor = (shown: Shown): ssh2.Server => {
    const known = servers.get(shown);
    if (known !== undefined) return known;
    const server = new ssh2.Server({
      hostKeys: [{ key: shownKey(options.state, shown) }],
      ident: "emulated",
      ...(shown === "banner" ? { banner: longBanner } : {}),
    });
    server.on("connection", (client, { ip, port }) => {
      attend(client, options, () => sockets.get(`${ip}:${port}`)?.destroy());
    });
    servers.set(shown, server);
    return server;
  };
  return (socket) => {
    const from = `${socket.remoteAddress}:${socket.remotePort}`;
    sockets.set(from, socket);
    socket.once("close", () => sockets.delete(from));
    serverFor(shownBy(options.state)).injectSocket(socket);
  };
};

const shownBy = ({ fault }: HostState): Shown => {
  if (fault?.name === "changed-host-key") return "otherKey";
  if (fault?.name === "long-banner") return "banner";
  return fault?.name === "certificate-only" ? "certificate" : "key";
};

/** A parsed key; as a certificate, one whose type is offered although nothing stands behind it. */
const shownKey = (state: HostState, shown: Shown): ssh2.ParsedKey => {
  const pair = shown === "otherKey" ? state.otherKey() : state.key;
  const key = parsed(pair.privateKey);
  return shown === "certificate"
    ? Object.create(key, { type: { value: "ssh-ed25519-cert-v01@openssh.com" } })
    : key;
};

const parsed = (text: string): ssh2.ParsedKey => {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key;
};

const clientKeys = new Map<string, ssh2.ParsedKey>();

/** One object for all hosts of a fleet. */
const clientKeyOf = (text: string): ssh2.ParsedKey => {
  const known = clientKeys.get(text);
  if (known !== undefined) return known;
  clientKeys.clear();
  const key = parsed(text);
  clientKeys.set(text, key);
  return key;
};

const attend = (client: ssh2.Connection, options: AttendantOptions, cut: () => void): void => {
  const { state } = options;
  // The fault that holds when it begins is the fault of the whole connection.
  const fault = state.fault?.name;
  client.on("error", () => undefined);
  client.on("authentication", (context) => {
    state.tally.add("authRequests");
    // What is not judged is the identity; that nobody may come without one is said.
    if (fault === "hang-before-auth" && context.method === "publickey") return;
    judge(context, options, fault === "auth-refused");
  });
  client.on("session", (accept, reject) => {
    if (fault === "hang-at-channel") return;
    if (fault === "no-exec") reject();
    else openSession(accept(), options, cut);
  });
  client.on("tcpip", (accept, reject, { destIP, destPort }) => {
    forward(accept, reject, destIP, destPort);
  });
};

const judge = (
  context: ssh2.AuthContext,
  { state, clientKey }: AttendantOptions,
  refuseAll: boolean,
): void => {
  if (context.method !== "publickey") return context.reject(["publickey"]);
  const vouched = !refuseAll && context.username === "root" && holds(context, clientKey);
  if (vouched && context.signature === undefined) return context.accept();
  state.tally.add("authAttempts");
  if (vouched) context.accept();
  else context.reject(["publickey"]);
};

/** Whether it is the key, and, where there is a signature, whether that is the key's. */
const holds = (context: ssh2.PublicKeyAuthContext, clientKey: string): boolean => {
  const { key, signature, blob, hashAlgo } = context;
  const allowed = clientKeyOf(clientKey);
  if (key.algo !== allowed.type || !allowed.getPublicSSH().equals(key.data)) return false;
  return (
    signature === undefined || (blob !== undefined && allowed.verify(blob, signature, hashAlgo))
  );
};

const openSession = (session: ssh2.Session, options: AttendantOptions, cut: () => void): void => {
  const { state, host, answer } = options;
  session.on("env", (accept) => {
    if (typeof accept === "function") accept();
  });
  session.on("exec", (accept, _, { command }) => {
    state.tally.add("execs");
    void runExec(accept(), { host, command, fault: state.fault, answer, cut });
  });
};

/** As a bastion: to addresses of the loopback, and to no others. */
const forward = (
  accept: () => ssh2.ServerChannel,
  reject: () => void,
  address: string,
  port: number,
): void => {
  if (!/^127\.\d+\.\d+\.\d+$/u.test(address)) return reject();
  const onward = connect(port, address);
  onward.once("error", reject);
  onward.once("connect", () => {
    onward.off("error", reject);
    const channel = accept();
    const end = (): void => {
      onward.destroy();
      channel.destroy();
    };
    onward.on("error", end).on("close", end);
    channel.on("error", end).on("close", end);
    onward.pipe(channel).pipe(onward);
  });
};
