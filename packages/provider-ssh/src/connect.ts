// Makes one contact with a host: looks its name up, goes its way hop by hop, and logs in.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { ContactError, ExecAnswer, HostAddress } from "@muster/core/words/contact";
import { quote } from "@muster/core/words/quote";
import { contactError, keyFault, keyRemedy } from "./faults.ts";
import {
  makeIdentitySource,
  usualIdentityFiles,
  type AskPassPhrase,
  type IdentitySource,
} from "./identity.ts";
import { readKnownHostsFiles } from "./known-hosts-file.ts";
import { isReadWhole, makeKnownHostsKeeper, type KnownHostsKeeper } from "./known-hosts-keeper.ts";
import {
  fingerprintOf,
  judgeKey,
  knownHostsName,
  knownKeyTypes,
  typeOfKeyBytes,
  type FileFinding,
  type KeyJudgement,
  type KnownHosts,
  type KnownName,
} from "./known-hosts.ts";
import type { Deadlines, ExecRequest, Session, SessionFault } from "./session.ts";
import { routeTo, type HostSettings, type SshConfig, type Surroundings } from "./ssh-config.ts";
import { ownSurroundings, readSshConfig } from "./ssh-config-file.ts";
import { offeredKey } from "./offer.ts";
import { lookUpOnce, resolveName, transportTo, type LookUp } from "./transport.ts";

export interface ContactOptions {
  /** The one configuration file to read; nothing: those of the user and of the machine. */
  readonly configFile?: string;
  /**
   * Whether unknown keys are kept and trusted, whatever the configuration says: a person asked for it,
   * as by `ssh -o StrictHostKeyChecking=accept-new`. Default false.
   */
  readonly acceptNewKeys?: boolean;
  /** Default 10 s for TCP, banner, exchange of keys and channel, 20 s for the login, 60 s for a command. */
  readonly deadlines?: Partial<Deadlines>;
  /** A sign of life is asked for so often, in milliseconds. Default 15 000. */
  readonly keepaliveMillis?: number;
  /** The connection ends after so many without an answer. Default 3. */
  readonly keepaliveMisses?: number;
  /**
   * Asks for the pass phrase of an encrypted key, once for each file, while the login's deadline
   * runs. Default: such keys are used through an agent only.
   */
  readonly askPassPhrase?: AskPassPhrase;
  /** Whose configuration and keys. Default: who runs muster. */
  readonly surroundings?: Surroundings;
}

/** A host that let us in. */
export interface Contact {
  /** The addresses that its name has here; none for a host behind another. */
  readonly addresses: ReadonlyArray<string>;
  /** How the host's SSH introduces itself; text from outside. */
  readonly banner: string;
  /** The key that it proved to have. */
  readonly hostKey: ShownKey;
  /** One command on a channel of its own. */
  readonly exec: (request: ExecRequest) => Effect.Effect<ExecAnswer, ContactError>;
  /** Whether it can still be used. */
  readonly isOpen: () => boolean;
  /** Ends when the connection does. */
  readonly ended: Effect.Effect<void>;
}

export interface ShownKey {
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  /** Such as `SHA256:…`, as ssh-keygen shows it. */
  readonly fingerprint: string;
}

/** Makes contacts by one reading of the operator's files. */
export interface Contacts {
  /** What could not be read of the configuration. */
  readonly findings: ReadonlyArray<FileFinding>;
  /** The way to a host, the host itself at its end. Fails when the configuration gives none. */
  readonly route: (
    address: HostAddress,
  ) => Effect.Effect<ReadonlyArray<HostSettings>, ContactError>;
  /** The addresses that a host's name has here, whether it lets us in or not; none behind another. */
  readonly addresses: (address: HostAddress) => Effect.Effect<ReadonlyArray<string>, ContactError>;
  /** Ends with its scope, at once. */
  readonly connect: (address: HostAddress) => Effect.Effect<Contact, ContactError, Scope.Scope>;
  /** The key that a host shows now, and what is known of it. Nobody logs in, and nothing is kept. */
  readonly offer: (address: HostAddress) => Effect.Effect<Offer, ContactError>;
  /** Goes a way that is known, from the connection to its last host but one when there is one. */
  readonly enter: (
    way: ReadonlyArray<HostSettings>,
    from: Session | null,
  ) => Effect.Effect<Entered, HopFault, Scope.Scope>;
}

/** A key that a host has proven to be its own, whatever is known of it. */
export interface Offer {
  readonly key: Uint8Array;
  readonly settings: HostSettings;
  /** How known_hosts files name the host. */
  readonly name: KnownName;
  /** What the files say now. */
  readonly known: KnownHosts;
}

/** What failed on the way to a host, and at which hop. */
export interface HopFault {
  readonly hop: HostSettings;
  /** Whether the hop is only gone through. */
  readonly isBetween: boolean;
  readonly fault: SessionFault;
}

/** A session, and what was seen on the way to it. */
export interface Entered {
  readonly session: Session;
  readonly addresses: ReadonlyArray<string>;
  readonly hostKey: ShownKey;
}

export const usualDeadlines: Deadlines = {
  connectMillis: 10_000,
  bannerMillis: 10_000,
  kexMillis: 10_000,
  authMillis: 20_000,
  channelMillis: 10_000,
  execMillis: 60_000,
};

/** Everything that contacts share. */
interface Desk {
  readonly options: ContactOptions;
  readonly deadlines: Deadlines;
  readonly config: SshConfig;
  readonly surroundings: Surroundings;
  readonly transport: typeof import("./client.ts");
  readonly identities: IdentitySource;
  readonly knownHosts: KnownHostsKeeper;
  readonly lookUp: LookUp;
}

/** Reads the configuration. Fails when the file that was named cannot be read. */
export const makeContacts = (
  options: ContactOptions = {},
): Effect.Effect<Contacts, { readonly message: string }> =>
  Effect.gen(function* () {
    const surroundings = options.surroundings ?? ownSurroundings();
    const config = yield* readSshConfig({ file: options.configFile ?? null, surroundings });
    const transport = yield* Effect.promise(() => import("./client.ts"));
    const desk: Desk = {
      ...{ options, config, surroundings, transport },
      deadlines: { ...usualDeadlines, ...options.deadlines },
      identities: makeIdentitySource(transport.parsePrivateKey, options.askPassPhrase ?? null),
      knownHosts: makeKnownHostsKeeper(),
      lookUp: lookUpOnce(),
    };
    return {
      findings: config.findings,
      route: (address) => route(desk, address),
      addresses: (address) =>
        Effect.flatMap(route(desk, address), (way) => addressesOf(desk, address.host, way)),
      connect: (address) =>
        Effect.gen(function* () {
          const way = yield* route(desk, address);
          const entered = yield* Effect.mapError(enter(desk, way, null), (fault) =>
            toldBy(address.host, fault),
          );
          return contactOf(address.host, entered);
        }),
      offer: (address) => Effect.scoped(offer(desk, address)),
      enter: (way, from) => enter(desk, way, from),
    };
  });

export const contactOf = (host: string, { session, addresses, hostKey }: Entered): Contact => ({
  ...{ addresses, hostKey, banner: session.banner, isOpen: session.isOpen, ended: session.ended },
  exec: (request) =>
    Effect.mapError(session.exec(request), (fault) => contactError(host, null, fault)),
});

const route = (
  { config, surroundings }: Desk,
  address: HostAddress,
): Effect.Effect<ReadonlyArray<HostSettings>, ContactError> => {
  const way = routeTo(config, address, surroundings);
  const refuse = (hop: HostSettings | null, message: string) =>
    Effect.fail(contactError(address.host, hop, { reason: "config", step: "config", message }));
  if (typeof way === "string") return refuse(null, way);
  for (const hop of way) {
    const error = hop.findings.find(({ severity }) => severity === "error");
    if (error !== undefined) {
      return refuse(
        hop === way.at(-1) ? null : hop,
        `${error.message} (${quote(error.file)}:${error.line})`,
      );
    }
  }
  return Effect.succeed(way);
};

const addressesOf = (
  desk: Desk,
  host: string,
  way: ReadonlyArray<HostSettings>,
): Effect.Effect<ReadonlyArray<string>, ContactError> => {
  const [target] = way;
  if (target === undefined || way.length > 1) return Effect.succeed([]);
  return Effect.mapError(
    resolveName(desk.lookUp, target.hostName, deadlinesFor(desk, target)),
    (fault) => contactError(host, null, fault),
  );
};

/** The fault as whoever asked for `host` is told of it. */
export const toldBy = (host: string, { hop, isBetween, fault }: HopFault): ContactError =>
  contactError(
    ...([host, isBetween ? hop : null, fault] as const),
    keyRemedy(fault.reason, knownHostsName(nameOf(hop)), hop),
  );

/** Each hop's key is verified, and its connection lasts as long as what goes through it. */
const enter = (
  desk: Desk,
  way: ReadonlyArray<HostSettings>,
  from: Session | null,
): Effect.Effect<Entered, HopFault, Scope.Scope> =>
  Effect.gen(function* () {
    const target = way.at(-1)!;
    const step = (hop: HostSettings, before: Session | null) =>
      Effect.mapError(enterHop(desk, hop, before), (fault): HopFault => ({
        hop,
        isBetween: hop !== target,
        fault,
      }));
    const [first, ...others] = from === null ? way : [target];
    let entered = yield* step(first!, from);
    for (const hop of others) entered = yield* step(hop, entered.session);
    return entered;
  });

/** Hosts in between are held to their keys as ever; only the last one's is looked at. */
const offer = (desk: Desk, address: HostAddress): Effect.Effect<Offer, ContactError, Scope.Scope> =>
  Effect.gen(function* () {
    const way = yield* route(desk, address);
    const target = way.at(-1)!;
    const between = way.slice(0, -1);
    const told = (fault: HopFault): ContactError => toldBy(address.host, fault);
    const from =
      between.length === 0
        ? null
        : yield* Effect.mapError(enter(desk, between, null), (fault) =>
            told({ ...fault, isBetween: true }),
          );
    const files = [...target.userKnownHostsFiles, ...target.globalKnownHostsFiles];
    const known = yield* readKnownHostsFiles(files);
    const name = nameOf(target);
    const key = yield* offeredKey({
      ...{ hop: target, from: from?.session ?? null, deadlines: deadlinesFor(desk, target) },
      ...{ openSession: desk.transport.openSession, lookUp: desk.lookUp },
      hostKeyTypes: knownKeyTypes(known, name),
    }).pipe(Effect.mapError((fault) => told({ hop: target, isBetween: false, fault })));
    return { key, settings: target, name, known };
  });

const enterHop = (
  desk: Desk,
  hop: HostSettings,
  from: Session | null,
): Effect.Effect<Entered, SessionFault, Scope.Scope> =>
  Effect.gen(function* () {
    const deadlines = deadlinesFor(desk, hop);
    const { transport, addresses } = yield* transportTo(hop, from, desk.lookUp, deadlines);
    const files = hop.identityFiles ?? usualIdentityFiles(desk.surroundings.home);
    const identities = yield* Effect.promise(() => desk.identities.load(files));
    const door = yield* doorOf(desk, hop);
    const session = yield* desk.transport
      .openSession({
        ...{ transport, identities, deadlines, user: hop.user, ...door.checks },
        agent:
          hop.identityAgent === null
            ? null
            : { socket: hop.identityAgent, onlyOfFiles: hop.identitiesOnly },
        keepaliveMillis: desk.options.keepaliveMillis ?? 15_000,
        keepaliveMisses: desk.options.keepaliveMisses ?? 3,
      })
      .pipe(Effect.catch((fault) => loginFault(desk, hop, files, fault)));
    return { session, addresses, hostKey: door.shown() };
  });

/**
 * The configuration's ConnectTimeout stands for each of TCP, the banner and the exchange of keys,
 * unless an option says otherwise.
 */
const deadlinesFor = (desk: Desk, { connectTimeoutSeconds }: HostSettings): Deadlines => {
  if (connectTimeoutSeconds === null) return desk.deadlines;
  const millis = connectTimeoutSeconds * 1_000;
  const asked = desk.options.deadlines;
  return {
    ...desk.deadlines,
    connectMillis: asked?.connectMillis ?? millis,
    bannerMillis: asked?.bannerMillis ?? millis,
    kexMillis: asked?.kexMillis ?? millis,
  };
};

const nameOf = ({ hostName, hostKeyAlias, port }: HostSettings): KnownName =>
  hostKeyAlias === null ? { host: hostName, port } : { host: hostKeyAlias, port: null };

const shownKeyOf = (key: Buffer): ShownKey => ({
  type: typeOfKeyBytes(key) ?? "unknown",
  fingerprint: fingerprintOf(key),
});

/** What one host's key is held against, and what becomes of a new one. */
const doorOf = Effect.fnUntraced(function* (desk: Desk, hop: HostSettings) {
  const files = [...hop.userKnownHostsFiles, ...hop.globalKnownHostsFiles];
  const known = yield* desk.knownHosts.read(files);
  const name = nameOf(hop);
  const file = hop.userKnownHostsFiles[0];
  const accepting =
    (hop.unknownKeys === "accept-new" || desk.options.acceptNewKeys === true) &&
    file !== undefined &&
    isReadWhole(known);
  let offered = Buffer.alloc(0);
  return {
    shown: () => shownKeyOf(offered),
    checks: {
      hostKeyTypes: knownKeyTypes(known, name),
      verify: (key: Buffer): SessionFault | null => {
        // Each new exchange of keys must show the same one.
        offered = Buffer.from(key);
        const judgement = judgeKey(known, name, key);
        const isNew = judgement.verdict === "unknown" && typeOfKeyBytes(key) !== undefined;
        return accepting && isNew ? null : keyFault(judgement, shownKeyOf(key));
      },
      verified: Effect.suspend(() => {
        const key = offered;
        const judgement = judgeKey(known, name, key);
        if (judgement.verdict !== "unknown" || file === undefined) {
          return failFor(judgement, key);
        }
        // Meanwhile another contact, or anybody who writes the files, may have met another key.
        const kept = desk.knownHosts.keep({ files, file, name, key, hash: hop.hashKnownHosts });
        return kept.pipe(
          Effect.mapError(({ message }) => notKept(file, message)),
          Effect.flatMap((now) => failFor(now, key)),
        );
      }),
    },
  };
});

const failFor = (judgement: KeyJudgement, key: Buffer): Effect.Effect<void, SessionFault> => {
  const fault = keyFault(judgement, shownKeyOf(key));
  return fault === null ? Effect.void : Effect.fail(fault);
};

const notKept = (file: string, message: string): SessionFault => ({
  ...({ reason: "hostkey-unknown", step: "kex" } as const),
  message: `its new key cannot be kept in ${quote(file)}: ${message}`,
});

/** A host that lets no plain key in, while there is a certificate for one, may want that. */
const loginFault = (
  desk: Desk,
  hop: HostSettings,
  files: ReadonlyArray<string>,
  fault: SessionFault,
): Effect.Effect<never, SessionFault> => {
  if (fault.reason !== "auth") return Effect.fail(fault);
  const message = `${fault.message}, as ${quote(hop.user)}`;
  return Effect.flatMap(
    Effect.promise(() => desk.identities.haveCertificate(files)),
    (certificate) =>
      Effect.fail(
        certificate
          ? {
              ...({ reason: "certificate", step: "auth" } as const),
              message: `${message}; there is a certificate, which it may want`,
            }
          : { ...fault, message },
      ),
  );
};
