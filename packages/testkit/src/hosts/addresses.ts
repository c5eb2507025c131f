// Decides the address of each simulated host.

/** Of 127.1.0.1 to 127.1.255.254. */
export const maxAddresses = 256 * 254;

/** The address of a host by its place in the fleet, from 0; the whole of 127/8 is the loopback. */
export const addressOf = (place: number): string =>
  `127.1.${Math.floor(place / 254)}.${1 + (place % 254)}`;

/** Elsewhere than on Linux only 127.0.0.1 answers unless somebody says so; hosts then differ by port. */
export const hasWholeLoopback = (): boolean => process.platform === "linux";
