// Keeps one connection open per host, and decides how many are made and used at a time.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as RcMap from "effect/RcMap";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import type { ContactError, ExecAnswer, HostAddress } from "@muster/core/words/contact";
import { canonicalJson } from "@muster/core/words/canonical";
import {
  contactOf,
  makeContacts,
  toldBy,
  type Contact,
  type ContactOptions,
  type Contacts,
  type Entered,
  type HopFault,
} from "./connect.ts";
import type { FileFinding } from "./known-hosts.ts";
import type { ExecRequest } from "./session.ts";
import type { HostSettings } from "./ssh-config.ts";

export interface PoolOptions extends ContactOptions {
  /** A connection that nobody has used for so long is closed, in milliseconds. Default 60 000. */
  readonly idleMillis?: number;
  /** How many hosts are spoken with at a time; the next begins as soon as one is done. Default 64. */
  readonly concurrency?: number;
  /** How many hosts behind one other log in at a time: its sshd drops more. Default 8. */
  readonly handshakesPerBastion?: number;
  /** How many logins ask one agent at a time. Default 16. */
  readonly handshakesPerAgent?: number;
  /** Beyond so many connections, the one that was used longest ago is closed. Default 1024. */
  readonly maxConnections?: number;
}

export interface SshShape {
  /**
   * What could not be read of the operator's configuration, and what of it does not happen on the
   * ways that were gone so far; each once, at most 100.
   */
  readonly findings: () => ReadonlyArray<FileFinding>;
  /** The addresses that a host's name has here, whether it lets us in or not; none behind another. */
  readonly addresses: (address: HostAddress) => Effect.Effect<ReadonlyArray<string>, ContactError>;
  /** One command on the host's kept-open connection. */
  readonly exec: (
    address: HostAddress,
    request: ExecRequest,
  ) => Effect.Effect<ExecAnswer, ContactError>;
  /** Uses the host's kept-open connection; it stays open for the next. */
  readonly reach: <A, E>(
    address: HostAddress,
    use: (contact: Contact) => Effect.Effect<A, E>,
  ) => Effect.Effect<A, E | ContactError>;
}

/** Hosts over SSH. */
export class Ssh extends Context.Service<Ssh, SshShape>()("@muster/provider-ssh/Ssh") {
  /** All connections end with the layer. Fails when the configuration cannot be read. */
  static readonly layer = (
    options: PoolOptions = {},
  ): Layer.Layer<Ssh, { readonly message: string }> => Layer.effect(Ssh, makePool(options));
}

/** The connections that are open, each by the way that leads to it. */
interface Pool {
  readonly contacts: Contacts;
  readonly open: RcMap.RcMap<string, Entered, HopFault>;
  /** What each way leads to now. */
  readonly current: Map<string, Entered>;
  /** How many use each way now; those that were used longest ago come first. */
  readonly users: Map<string, number>;
  /** Faults of which one who waited has been told. */
  readonly told: WeakSet<HopFault>;
  readonly maxConnections: number;
  readonly perBastion: (key: string) => Semaphore.Semaphore;
  readonly perAgent: (key: string) => Semaphore.Semaphore;
}

/** The same for all names that lead to the same user of the same host by the same way. */
const keyOf = (way: ReadonlyArray<HostSettings>): string =>
  canonicalJson(way.map((hop) => ({ ...hop, host: hop.hostName, jumps: [], findings: [] })));

const wayOf = (key: string): ReadonlyArray<HostSettings> =>
  JSON.parse(key) as ReadonlyArray<HostSettings>;

export const makePool = (
  options: PoolOptions = {},
): Effect.Effect<SshShape, { readonly message: string }, Scope.Scope> =>
  Effect.gen(function* () {
    const contacts = yield* makeContacts(options);
    const gate = yield* Semaphore.make(options.concurrency ?? 64);
    const pool: Pool = {
      contacts,
      open: yield* RcMap.make({
        lookup: (key: string) => openWay(pool, key),
        idleTimeToLive: options.idleMillis ?? 60_000,
      }),
      ...{ current: new Map(), users: new Map(), told: new WeakSet() },
      maxConnections: options.maxConnections ?? 1_024,
      perBastion: semaphores(options.handshakesPerBastion ?? 8),
      perAgent: semaphores(options.handshakesPerAgent ?? 16),
    };
    const noted = noteFindings(contacts.findings);
    const reach: SshShape["reach"] = (address, use) =>
      gate.withPermit(
        Effect.flatMap(contacts.route(address), (way) => {
          for (const hop of way) noted.note(hop.findings);
          return usingWay(pool, keyOf(way), (held) =>
            Effect.flatMap(
              Effect.mapError(held, (fault) => toldBy(address.host, fault)),
              (entered) => use(contactOf(address.host, entered)),
            ),
          );
        }),
      );
    return {
      findings: noted.all,
      addresses: contacts.addresses,
      reach,
      exec: (address, request) => reach(address, (contact) => contact.exec(request)),
    };
  });

/** More than these are not kept: who reads them mends the first ones first. */
const maxFindings = 100;

/** Keeps each finding once, however many hosts it concerns. */
const noteFindings = (first: ReadonlyArray<FileFinding>) => {
  const kept = new Map<string, FileFinding>();
  const note = (findings: ReadonlyArray<FileFinding>): void => {
    for (const finding of findings) {
      if (kept.size >= maxFindings) return;
      kept.set(`${finding.file}\n${finding.line}\n${finding.message}`, finding);
    }
  };
  note(first);
  return { note, all: () => [...kept.values()] };
};

/** A semaphore for each key, made when it is first asked for. */
const semaphores = (permits: number) => {
  const made = new Map<string, Semaphore.Semaphore>();
  return (key: string): Semaphore.Semaphore => {
    const semaphore = made.get(key) ?? Semaphore.makeUnsafe(permits);
    made.set(key, semaphore);
    return semaphore;
  };
};

/** Who is interrupted closes what nobody else uses, whether it was open already or not. */
const usingWay = <A, E>(
  pool: Pool,
  key: string,
  use: (held: Effect.Effect<Entered, HopFault, Scope.Scope>) => Effect.Effect<A, E, Scope.Scope>,
): Effect.Effect<A, E> =>
  Effect.scoped(
    Effect.andThen(
      Effect.acquireRelease(
        Effect.sync(() => count(pool, key, 1)),
        (_, exit) =>
          Effect.suspend(() => {
            const others = count(pool, key, -1);
            if (others === 0 && !pool.current.has(key)) pool.users.delete(key);
            const alone = others === 0 && Exit.hasInterrupts(exit);
            return alone ? forget(pool, key) : closeOldest(pool);
          }),
      ),
      use(liveWay(pool, key)),
    ),
  );

const count = ({ users }: Pool, key: string, more: number): number => {
  const now = (users.get(key) ?? 0) + more;
  users.delete(key);
  users.set(key, now);
  return now;
};

const forget = (pool: Pool, key: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    pool.current.delete(key);
    if (pool.users.get(key) === 0) pool.users.delete(key);
    return RcMap.invalidate(pool.open, key);
  });

const closeOldest = (pool: Pool): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (pool.current.size <= pool.maxConnections) return Effect.void;
    // One that others go through stays open until they are done with it.
    const oldest = [...pool.users].find(([key, now]) => now === 0 && pool.current.has(key));
    return oldest === undefined ? Effect.void : forget(pool, oldest[0]);
  });

/** A fault is told to all who wait for it, and to nobody who comes later. */
const openOrShare = (pool: Pool, key: string): Effect.Effect<Entered, HopFault, Scope.Scope> =>
  Effect.tapError(RcMap.get(pool.open, key), (fault) => {
    if (pool.told.has(fault)) return Effect.void;
    pool.told.add(fault);
    return forget(pool, key);
  });

/** A connection that has ended meanwhile is made anew. */
const liveWay = (pool: Pool, key: string): Effect.Effect<Entered, HopFault, Scope.Scope> =>
  Effect.flatMap(openOrShare(pool, key), (entered) => {
    if (entered.session.isOpen()) return Effect.succeed(entered);
    // Others may have noticed, too: only the first of them makes a new one.
    const stale = pool.current.get(key) === entered ? forget(pool, key) : Effect.void;
    return Effect.andThen(stale, openOrShare(pool, key));
  });

const openWay = (pool: Pool, key: string): Effect.Effect<Entered, HopFault, Scope.Scope> =>
  Effect.gen(function* () {
    const way = wayOf(key);
    const last = way.at(-1)!;
    const before = way.slice(0, -1);
    const from =
      before.length === 0
        ? null
        : yield* Effect.mapError(liveWay(pool, keyOf(before)), (fault) => ({
            ...fault,
            isBetween: true,
          }));
    const login = pool.contacts.enter(way, from?.session ?? null);
    const agent = last.identityAgent;
    const asked = agent === null ? login : pool.perAgent(agent).withPermit(login);
    const entered = yield* from === null ? asked : pool.perBastion(keyOf(before)).withPermit(asked);
    pool.current.set(key, entered);
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        if (pool.current.get(key) !== entered) return;
        pool.current.delete(key);
        if (pool.users.get(key) === 0) pool.users.delete(key);
      }),
    );
    return entered;
  });
