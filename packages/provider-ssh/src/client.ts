// The one file that imports ssh2: opens a session over a stream, runs commands, and forwards.

import ssh2 from "ssh2";
import type {
  AnyAuthMethod,
  BaseAgent,
  ClientChannel,
  ConnectConfig,
  IdentityCallback,
  NextAuthHandler,
  ParsedKey,
  ServerHostKeyAlgorithm,
  SignCallback,
  SigningRequestOptions,
} from "ssh2";
import type { Duplex } from "node:stream";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import type { ContactStep, ExecAnswer } from "@muster/core/words/contact";
import { quote } from "@muster/core/words/quote";
import type {
  Agent,
  ExecRequest,
  Identity,
  Session,
  SessionFault,
  SessionRequest,
  UsableKey,
} from "./session.ts";

// Node finds no more of a CommonJS module's names than it can read off its text.
const { Client, createAgent, utils } = ssh2;

/** Longer text before the greeting is none of an SSH server, in bytes. */
const maxBanner = 16 * 1024;

/** What is read of an answer and thrown away before it is cut, in bytes beyond what is kept. */
const maxDrained = 16 * 1024 * 1024;

const usualStdout = 1024 * 1024;
const usualStderr = 64 * 1024;

/** A private key from its file; a text says why it is none. Never shows anything of the key. */
export const parsePrivateKey = (
  bytes: Uint8Array,
  passPhrase: string | null,
): UsableKey | string => {
  const parsed: ParsedKey | Error = utils.parseKey(
    Buffer.from(bytes),
    passPhrase === null ? undefined : passPhrase,
  );
  if (parsed instanceof Error) {
    // Its words are few and its own, but they are not ours to trust with a key.
    if (/passphrase|integrity check|bad decrypt/i.test(parsed.message)) {
      return passPhrase === null ? "is encrypted" : "does not open with its pass phrase";
    }
    return "holds no private key that can be read";
  }
  if (!parsed.isPrivateKey()) return "holds no private key";
  return { publicKey: parsed.getPublicSSH(), secret: parsed };
};

/** The algorithms of host keys in the order in which they are asked for where nothing is known. */
const hostKeyAlgorithms: ReadonlyArray<ServerHostKeyAlgorithm> = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "ssh-rsa",
];

const typeOfAlgorithm = (algorithm: string): string =>
  algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm;

const orderedAlgorithms = (types: ReadonlyArray<string>): Array<ServerHostKeyAlgorithm> => {
  const known = hostKeyAlgorithms.filter((name) => types.includes(typeOfAlgorithm(name)));
  return [...known, ...hostKeyAlgorithms.filter((name) => !known.includes(name))];
};

/** Offers those keys of an agent that may be offered, those of the files first. */
class ChosenAgent extends ssh2.BaseAgent {
  readonly #inner: BaseAgent;
  readonly #agent: Agent;
  readonly #files: ReadonlyArray<Identity>;
  /** The keys that were offered: a file need not offer them again. */
  readonly offered = new Set<string>();

  constructor(agent: Agent, files: ReadonlyArray<Identity>) {
    super();
    this.#inner = createAgent(agent.socket);
    this.#agent = agent;
    this.#files = files;
  }

  override getIdentities(done: IdentityCallback): void {
    this.#inner.getIdentities((error, found) => {
      if (error) return done(error);
      const keys = (found ?? []).flatMap((key) => {
        const parsed = utils.parseKey(key as Buffer | string);
        return parsed instanceof Error ? [] : [parsed];
      });
      const place = (key: ParsedKey): number =>
        this.#files.findIndex(({ publicKey }) => publicKey?.equals(key.getPublicSSH()) === true);
      const named = keys.filter((key) => place(key) >= 0).sort((a, b) => place(a) - place(b));
      const others = keys.filter((key) => place(key) < 0);
      const chosen = this.#agent.onlyOfFiles ? named : [...named, ...others];
      for (const key of chosen) this.offered.add(key.getPublicSSH().toString("base64"));
      done(undefined, chosen);
    });
  }

  override sign(
    key: ParsedKey | Buffer | string,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    if (typeof options === "function") this.#inner.sign(key, data, options);
    else this.#inner.sign(key, data, options, done);
  }
}

/** What the library tells of while a connection is made, kept for whom it concerns. */
class Opening {
  readonly client = new Client();
  readonly banner = Deferred.makeUnsafe<string, SessionFault>();
  readonly keys = Deferred.makeUnsafe<void, SessionFault>();
  readonly login = Deferred.makeUnsafe<void, SessionFault>();
  readonly closed = Deferred.makeUnsafe<void>();
  /** Told to who asks why nobody was let in. */
  readonly notes: Array<string> = [];
  step: ContactStep = "banner";
  isOpen = true;
  /** Whether the request to run a command has left. */
  commandSent = false;
  #seen = Buffer.alloc(0);
  #refused: SessionFault | null = null;
  #hostAlgorithms: ReadonlyArray<string> = [];
  #authFailed = false;

  /** The whole greeting line, or what stood there instead. */
  readonly watchBanner = (transport: Duplex): void => {
    const look = (chunk: Buffer): void => {
      this.#seen = Buffer.concat([this.#seen, chunk]);
      const line = /(?:^|\n)(SSH-[^\r\n]*)\r?\n/.exec(this.#seen.toString("latin1"))?.[1];
      if (line !== undefined) {
        this.step = this.step === "banner" ? "kex" : this.step;
        this.#seen = Buffer.alloc(0);
        Deferred.doneUnsafe(this.banner, Effect.succeed(line));
      } else if (this.#seen.length > maxBanner) {
        const message = `does not speak SSH${this.#said()}`;
        this.fail({ reason: "unreadable", step: "banner", message });
      } else return;
      transport.removeListener("data", look);
    };
    transport.on("data", look);
    transport.once("close", this.end);
    // Meanwhile keys were read: one that ended then tells nobody any more.
    if (transport.destroyed) this.end();
  };

  /** What stood there instead of a banner. */
  readonly #said = (): string =>
    this.#seen.length === 0 ? "" : `: it said ${quote(this.#seen.toString("latin1"))}`;

  /** The library's own words for what only they tell. */
  readonly overhear = (said: string): void => {
    if (said.startsWith("Outbound: Sending CHANNEL_REQUEST") && said.includes(", exec: ")) {
      this.commandSent = true;
    } else if (said.startsWith("Handshake: (remote) Host key format: ")) {
      this.#hostAlgorithms = said.slice(said.lastIndexOf(" ") + 1).split(",");
    }
  };

  /** At once, and for good. */
  readonly shut = (): void => {
    this.isOpen = false;
    this.client.destroy();
  };

  readonly refuse = (fault: SessionFault): void => {
    this.#refused = fault;
  };

  readonly refused = (): SessionFault | null => this.#refused;

  /** The first fault counts; later ones are its echoes. */
  readonly fail = (fault: SessionFault): void => {
    const end = Effect.fail(this.#refused ?? fault);
    Deferred.doneUnsafe(this.banner, end);
    Deferred.doneUnsafe(this.keys, end);
    Deferred.doneUnsafe(this.login, end);
  };

  /** The connection is over, for whatever reason. */
  readonly end = (): void => this.fail(this.#cut("ended the connection"));

  readonly #cut = (message: string): SessionFault => ({
    reason: this.step === "auth" && this.#authFailed ? "auth" : "reset",
    step: this.step,
    message: `${message}${this.#said()}`,
  });

  /** Faults of a connection that is not yet let in; afterwards its end says enough. */
  readonly onError = (
    error: Error & { readonly level?: string; readonly code?: unknown },
  ): void => {
    const said = quote(error.message);
    if (error.level === "agent") {
      this.notes.push(`the agent: ${said}`);
    } else if (error.level === "client-authentication") {
      this.#authFailed = true;
      if (!error.message.startsWith("All configured")) this.notes.push(said);
      else this.fail({ reason: "auth", step: "auth", message: "lets none of the keys in" });
    } else {
      this.fail(this.#faultOf(error, said));
    }
  };

  readonly #faultOf = (
    error: Error & { readonly level?: string; readonly code?: unknown },
    said: string,
  ): SessionFault => {
    const { step } = this;
    const text = error.message;
    if (text.includes("no matching host key format")) {
      const certificates = this.#hostAlgorithms.filter((name) => name.includes("-cert-v0"));
      return certificates.length > 0
        ? { reason: "certificate", step: "kex", message: "shows certificates as host keys" }
        : { reason: "algorithms", step: "kex", message: `${said}: ${this.#offer()}` };
    }
    if (text.includes("no matching")) return { reason: "algorithms", step: "kex", message: said };
    if (text.includes("ignature")) {
      const message = `did not prove that the key is its own: ${said}`;
      return { reason: "hostkey-changed", step: "kex", message };
    }
    // A server ends a connection by itself after too many keys.
    const tooMany = error.code === 14 || /too many authentication failures/i.test(text);
    if (step === "auth" && tooMany) return { reason: "auth", step, message: said };
    // What its parser throws has neither a level nor a code.
    const thrown = error.level === undefined && error.code === undefined;
    const broken = thrown || error.level === "protocol" || error.level === "handshake";
    if (broken && !text.startsWith("Connection lost")) {
      return { reason: "unreadable", step, message: `does not speak SSH as it should: ${said}` };
    }
    return this.#cut(said);
  };

  readonly #offer = (): string => `it has ${quote(this.#hostAlgorithms.join(", "))}`;
}

/** Opens a session; it ends with its scope, at once. */
export const openSession = (
  request: SessionRequest,
): Effect.Effect<Session, SessionFault, Scope.Scope> =>
  Effect.gen(function* () {
    const opening = yield* Effect.acquireRelease(
      Effect.sync(() => begin(request)),
      (held) =>
        Effect.sync(() => {
          held.client.end();
          held.shut();
          request.transport.destroy();
        }),
    );
    const { deadlines } = request;
    const banner = yield* within(opening, opening.banner, "banner", deadlines.bannerMillis);
    yield* within(opening, opening.keys, "kex", deadlines.kexMillis);
    yield* within(opening, opening.login, "auth", deadlines.authMillis).pipe(
      Effect.mapError((fault) => withNotes(fault, opening.notes)),
    );
    return yield* sessionOf(opening, banner, request);
  });

const within = <A>(
  opening: Opening,
  phase: Deferred.Deferred<A, SessionFault>,
  step: ContactStep,
  millis: number,
): Effect.Effect<A, SessionFault> =>
  Deferred.await(phase).pipe(
    Effect.timeoutOrElse({
      duration: millis,
      orElse: () =>
        Effect.fail<SessionFault>({
          reason: "timeout",
          step,
          message: `no answer in ${millis} ms`,
        }),
    }),
    Effect.tapError(() => Effect.sync(() => opening.shut())),
  );

const withNotes = (fault: SessionFault, notes: ReadonlyArray<string>): SessionFault =>
  fault.reason !== "auth" || notes.length === 0
    ? fault
    : { ...fault, message: `${fault.message} (${notes.join("; ")})` };

const begin = (request: SessionRequest): Opening => {
  const opening = new Opening();
  const { client } = opening;
  client.on("error", opening.onError);
  client.on("ready", () => {
    opening.step = "channel";
    Deferred.doneUnsafe(opening.login, Effect.void);
  });
  client.on("close", () => {
    opening.isOpen = false;
    opening.end();
    Deferred.doneUnsafe(opening.closed, Effect.void);
  });
  client.connect(settingsOf(request, opening));
  // The stream is paused until the library is ready, so nothing has been missed.
  opening.watchBanner(request.transport);
  return opening;
};

const settingsOf = (request: SessionRequest, opening: Opening): ConnectConfig => ({
  sock: request.transport,
  username: request.user,
  // Each step has its own deadline.
  readyTimeout: 0,
  keepaliveInterval: request.keepaliveMillis,
  keepaliveCountMax: request.keepaliveMisses,
  algorithms: { serverHostKey: orderedAlgorithms(request.hostKeyTypes) },
  debug: opening.overhear,
  hostVerifier: (key: Buffer): boolean => {
    const fault = request.verify(key);
    if (fault !== null) opening.refuse(fault);
    return fault === null;
  },
  authHandler: loginOf(request, opening),
});

/** Keys of the agent, then those of files: nothing but public keys, and each key once. */
const loginOf = (request: SessionRequest, opening: Opening) => {
  const { user, identities } = request;
  const agent = request.agent === null ? null : new ChosenAgent(request.agent, identities);
  const left = [...identities];
  let turn = 0;
  const next = async (methods: ReadonlyArray<string> | null): Promise<AnyAuthMethod | false> => {
    turn += 1;
    if (turn === 1) await prove(request, opening);
    if (methods !== null && !methods.includes("publickey")) {
      opening.notes.push(`it takes ${quote(methods.join(", "))} only`);
      return false;
    }
    if (turn === 1 && agent !== null) return { type: "agent", username: user, agent };
    for (let identity = left.shift(); identity !== undefined; identity = left.shift()) {
      const { file, publicKey } = identity;
      if (publicKey !== null && agent?.offered.has(publicKey.toString("base64"))) continue;
      const key = await identity.open((note) => opening.notes.push(`${quote(file)} ${note}`));
      if (key === null) continue;
      opening.notes.push(`${quote(file)} was offered`);
      return { type: "publickey", username: user, key: key.secret as ParsedKey };
    }
    return false;
  };
  const attempt = async (
    methods: ReadonlyArray<string> | null,
    done: NextAuthHandler,
  ): Promise<void> => {
    const method = await next(methods).catch((fault: SessionFault) => fault);
    if (method !== false && "reason" in method) {
      opening.fail(method);
      opening.shut();
    } else {
      // The library's type leaves out that `false` ends the attempts.
      done(method as AnyAuthMethod);
    }
  };
  return (
    methods: ReadonlyArray<string> | null,
    _partial: boolean | null,
    done: NextAuthHandler,
  ): void => void attempt(methods, done);
};

/** Between the proof of the host's key and the first word about who we are. */
const prove = async (request: SessionRequest, opening: Opening): Promise<void> => {
  await Effect.runPromise(
    Effect.catch(request.verified, (fault) => Effect.sync(() => opening.refuse(fault))),
  );
  const refused = opening.refused();
  if (refused !== null) throw refused;
  opening.step = "auth";
  Deferred.doneUnsafe(opening.keys, Effect.void);
};

const sessionOf = (
  opening: Opening,
  banner: string,
  { deadlines }: SessionRequest,
): Effect.Effect<Session> =>
  // One channel is opened at a time, so that it is known whose command has left.
  Effect.map(Semaphore.make(1), (door) => ({
    banner,
    exec: (request) =>
      Effect.scoped(
        Effect.gen(function* () {
          const answering = yield* Effect.acquireRelease(
            door.withPermit(ask(opening, request, deadlines.channelMillis)),
            ({ channel }) => Effect.sync(() => channel.close()),
            { interruptible: true },
          );
          return yield* answerOf(answering, request.timeoutMillis ?? deadlines.execMillis);
        }),
      ),
    forward: (host, port) => forwardTo(opening, host, port, deadlines.connectMillis),
    isOpen: () => opening.isOpen,
    ended: Deferred.await(opening.closed),
  }));

interface Answering {
  readonly channel: ClientChannel;
  readonly answer: Deferred.Deferred<ExecAnswer, SessionFault>;
}

/**
 * Has a command run. Who is left waiting, or gives up, ends the connection: the library would send
 * the command as soon as the channel opens, after it was said that none was sent. A channel that
 * was refused leaves nothing behind, and the connection to those whose commands run on it.
 */
const ask = (
  opening: Opening,
  request: ExecRequest,
  millis: number,
): Effect.Effect<Answering, SessionFault> =>
  Effect.suspend(() => {
    let isRefused = false;
    return asking(opening, request, () => {
      isRefused = true;
    }).pipe(
      Effect.raceFirst(
        Effect.andThen(
          Deferred.await(opening.closed),
          Effect.suspend(() => endedBefore(opening)),
        ),
      ),
      Effect.timeoutOrElse({ duration: millis, orElse: () => notAnswered(opening, millis) }),
      Effect.tapError(() => (isRefused ? Effect.void : Effect.sync(() => opening.shut()))),
    );
  });

const asking = (
  opening: Opening,
  request: ExecRequest,
  onRefused: () => void,
): Effect.Effect<Answering, SessionFault> =>
  Effect.callback<Answering, SessionFault>((resume) => {
    opening.commandSent = false;
    const refuse = (error: Error & { readonly reason?: unknown }): void => {
      if (typeof error.reason === "number") onRefused();
      resume(Effect.fail(channelFault(opening, error)));
    };
    try {
      opening.client.exec(request.command, (error: Error | undefined, channel) => {
        if (error) refuse(error);
        // What comes with the same packet must find its listeners.
        else resume(Effect.succeed(listen(channel, request)));
      });
    } catch (thrown) {
      refuse(thrown as Error);
    }
    return Effect.sync(() => opening.shut());
  });

const endedBefore = (opening: Opening): Effect.Effect<never, SessionFault> =>
  Effect.fail(channelFault(opening, new Error("the connection has ended")));

const notAnswered = (opening: Opening, millis: number): Effect.Effect<never, SessionFault> =>
  Effect.fail(
    opening.commandSent
      ? { reason: "disconnected", step: "exec", message: `not begun in ${millis} ms` }
      : { reason: "timeout", step: "channel", message: `no answer in ${millis} ms` },
  );

const channelFault = (
  opening: Opening,
  error: Error & { readonly reason?: unknown },
): SessionFault => {
  const said = quote(error.message);
  if (typeof error.reason === "number" || error.message === "Unable to exec") {
    return { reason: "no-exec", step: "channel", message: `runs no command: ${said}` };
  }
  return opening.commandSent
    ? { reason: "disconnected", step: "exec", message: said }
    : { reason: "reset", step: "channel", message: said };
};

/** Keeps the first bytes of a stream. */
class Kept {
  readonly #most: number;
  readonly #chunks: Array<Buffer> = [];
  #kept = 0;
  dropped = 0;

  constructor(most: number) {
    this.#most = most;
  }

  readonly add = (chunk: Buffer): void => {
    const room = Math.min(chunk.length, this.#most - this.#kept);
    // A copy: the chunk may be a window into a far larger packet.
    if (room > 0) this.#chunks.push(Buffer.from(chunk.subarray(0, room)));
    this.#kept += room;
    this.dropped += chunk.length - room;
  };

  readonly bytes = (): Uint8Array => new Uint8Array(Buffer.concat(this.#chunks));
}

const listen = (channel: ClientChannel, request: ExecRequest): Answering => {
  const answer = Deferred.makeUnsafe<ExecAnswer, SessionFault>();
  const stdout = new Kept(request.maxStdout ?? usualStdout);
  const stderr = new Kept(request.maxStderr ?? usualStderr);
  const add = (kept: Kept) => (chunk: Buffer) => {
    kept.add(chunk);
    if (stdout.dropped + stderr.dropped <= maxDrained) return;
    const message = "answered without end, and was cut";
    Deferred.doneUnsafe(answer, Effect.fail({ reason: "unreadable", step: "exec", message }));
    channel.close();
  };
  let end: Pick<ExecAnswer, "code" | "signal"> | null = null;
  const { hear } = request;
  const heard = (stream: "stdout" | "stderr", kept: Kept) =>
    hear === undefined ? add(kept) : (chunk: Buffer) => hear(stream, chunk);
  channel.on("data", heard("stdout", stdout));
  channel.stderr.on("data", heard("stderr", stderr));
  channel.on("exit", (code: number | null, signal?: string) => {
    end = { code, signal: signal ?? null };
  });
  // A host that hears no more than it needs is no fault: its end tells.
  channel.on("error", () => {});
  channel.on("close", () => {
    const message = "was cut before the command had ended";
    const truncated = stdout.dropped + stderr.dropped > 0;
    const whole = { stdout: stdout.bytes(), stderr: stderr.bytes(), truncated };
    Deferred.doneUnsafe(
      answer,
      end === null
        ? Effect.fail({ reason: "disconnected", step: "exec", message })
        : Effect.succeed({ ...end, ...whole }),
    );
  });
  channel.end(Buffer.from(request.stdin ?? []));
  return { channel, answer };
};

const answerOf = ({ answer }: Answering, millis: number) =>
  Deferred.await(answer).pipe(
    Effect.timeoutOrElse({
      duration: millis,
      orElse: () =>
        Effect.fail<SessionFault>({
          ...{ reason: "disconnected", step: "exec" },
          message: `the command had not ended in ${millis} ms`,
        }),
    }),
  );

const forwardTo = (
  opening: Opening,
  host: string,
  port: number,
  millis: number,
): Effect.Effect<Duplex, SessionFault, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<ClientChannel, SessionFault>((resume) => {
      let isWanted = true;
      try {
        opening.client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
          // Others may go through this host for long: what comes too late must not stay open.
          if (!isWanted && !error) channel.destroy();
          resume(error ? Effect.fail(forwardFault(error)) : Effect.succeed(channel));
        });
      } catch (thrown) {
        resume(Effect.fail(forwardFault(thrown as Error)));
      }
      return Effect.sync(() => {
        isWanted = false;
      });
    }).pipe(
      Effect.timeoutOrElse({
        duration: millis,
        orElse: () =>
          Effect.fail<SessionFault>({
            ...{ reason: "timeout", step: "tcp" },
            message: `no connection in ${millis} ms`,
          }),
      }),
    ),
    (channel) => Effect.sync(() => channel.destroy()),
    { interruptible: true },
  );

/** The number that SSH has for it: RFC 4254, section 5.1. */
const prohibited = 1;

/** What the host in between says of the one behind it. */
const forwardFault = (error: Error & { readonly reason?: unknown }): SessionFault => {
  const message = quote(error.message);
  if (typeof error.reason !== "number") return { reason: "reset", step: "tcp", message };
  if (error.reason === prohibited) {
    return { reason: "refused", step: "tcp", message: `may not be gone to from there: ${message}` };
  }
  if (/not known|resol|no address|nodename/i.test(error.message)) {
    return { reason: "dns", step: "dns", message };
  }
  return /timed out|unreachable|no route/i.test(error.message)
    ? { reason: "timeout", step: "tcp", message }
    : { reason: "refused", step: "tcp", message };
};
