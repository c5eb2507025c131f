// Emulates hosts in this process: ssh2's server speaks the protocol, a function answers the commands.

import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { hasWholeLoopback, maxAddresses } from "./addresses.ts";
import { plainAnswers } from "./emulated-answers.ts";
import { makeAttendant } from "./emulated-contact.ts";
import { emulatedHostOf, textIn, type Answerer } from "./emulated-host.ts";
import { startFleet } from "./fleet.ts";
import { closeOf } from "./gate.ts";
import type { HostFleet, HostFleetError, HostFleetOptions } from "./host-fleet.ts";
import type { HostPeer, HostServer, HostSite } from "./host-server.ts";
import { filesOf } from "./host-state.ts";

export interface EmulatedFleetOptions extends HostFleetOptions {
  /** What answers the commands. Default `plainAnswers`. */
  readonly answer?: Answerer;
  /**
   * Whether each host has an address of its own, or all share 127.0.0.1 and differ by port.
   * Default: on Linux `each`, elsewhere `one`.
   */
  readonly addresses?: "each" | "one";
}

/** Starts emulated hosts; each costs a listener, and a server once somebody has come. */
export const startEmulatedHosts = (
  options: EmulatedFleetOptions,
): Effect.Effect<HostFleet, HostFleetError, Scope.Scope> =>
  startFleet(emulatedPeer(options), options);

const emulatedPeer = (options: EmulatedFleetOptions): HostPeer => ({
  name: "emulated",
  most: maxAddresses,
  user: "root",
  untouched: false,
  ownAddresses: (options.addresses ?? (hasWholeLoopback() ? "each" : "one")) === "each",
  start: (site, wish) => Promise.resolve(serverOf(site, options.answer ?? plainAnswers, wish)),
});

const serverOf = (site: HostSite, answer: Answerer, wish: () => void): HostServer => {
  const { state, clientKey } = site;
  const files = filesOf(state.options);
  const host = emulatedHostOf(state, files, wish);
  const attend = makeAttendant({ state, clientKey, host, answer });
  // All that runs on it runs on its connections, and the gate ends those.
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    counted: true,
    serve: (socket) => {
      attend(socket);
      return closeOf(socket);
    },
    heed: nothing,
    read: (path) => Promise.resolve(textIn(files, path)),
    write: (path, content) => {
      if (content === undefined) files.delete(path);
      else files.set(path, content);
      return Promise.resolve();
    },
    halt: nothing,
    boot: nothing,
    close: nothing,
  };
};
