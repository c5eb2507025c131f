// Makes the accounts that may call the simulator, and writes them as an OCI config file.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
} from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { seedIds } from "./seed.ts";

/** A user of the simulated tenancy together with its API key. The key opens nothing else. */
export interface SimulatorAccount {
  readonly tenancyId: string;
  readonly userId: string;
  /** MD5 of the public key in DER form, colon separated hex. */
  readonly fingerprint: string;
  readonly region: string;
  readonly publicKey: KeyObject;
  /** PKCS#8 PEM, encrypted when `passPhrase` is set. */
  readonly privateKeyPem: string;
  readonly passPhrase?: string;
}

/** Whom a request is of, and with which key its signature is checked. */
export type SimulatorCaller = Pick<SimulatorAccount, "tenancyId" | "userId" | "publicKey">;

export interface AccountOptions {
  /** Default: the seeded tenancy. */
  readonly tenancyId?: string;
  /** Default: the seeded user. */
  readonly userId?: string;
  /** Default `us-phoenix-1`. */
  readonly region?: string;
  /** Encrypts the private key. Default: not encrypted. */
  readonly passPhrase?: string;
}

/** The `keyId` that this account's requests carry. */
export const keyIdOf = (account: SimulatorAccount): string =>
  `${account.tenancyId}/${account.userId}/${account.fingerprint}`;

/** The fingerprint of a public key: MD5 of its DER form, colon separated hex. */
export const fingerprintOf = (publicKey: KeyObject): string => {
  const der = publicKey.export({ type: "spki", format: "der" });
  // MD5 names the key here, it protects nothing: the protocol prescribes it.
  return createHash("md5")
    .update(der)
    .digest("hex")
    .replace(/(..)(?=.)/g, "$1:");
};

/** Makes a throwaway account with a new RSA 2048 key (about 100 ms). */
export const makeAccount = async (options: AccountOptions = {}): Promise<SimulatorAccount> => {
  const pair = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  return accountWithKey(pair.privateKey, options);
};

/** Makes an account around an existing PKCS#1 or PKCS#8 private key. Throws when it has no key. */
export const accountFromPem = (pem: string, options: AccountOptions = {}): SimulatorAccount =>
  accountWithKey(
    createPrivateKey({
      key: pem,
      ...(options.passPhrase === undefined ? {} : { passphrase: options.passPhrase }),
    }),
    options,
  );

const accountWithKey = (privateKey: KeyObject, options: AccountOptions): SimulatorAccount => {
  const publicKey = createPublicKey(privateKey);
  return {
    tenancyId: options.tenancyId ?? seedIds.tenancyId,
    userId: options.userId ?? seedIds.userId,
    region: options.region ?? seedIds.region,
    fingerprint: fingerprintOf(publicKey),
    publicKey,
    privateKeyPem: pemOf(privateKey, options.passPhrase),
    ...(options.passPhrase === undefined ? {} : { passPhrase: options.passPhrase }),
  };
};

const pemOf = (privateKey: KeyObject, passPhrase: string | undefined): string =>
  passPhrase === undefined
    ? (privateKey.export({ type: "pkcs8", format: "pem" }) as string)
    : (privateKey.export({
        type: "pkcs8",
        format: "pem",
        cipher: "aes-256-cbc",
        passphrase: passPhrase,
      }) as string);

let throwaway: Promise<SimulatorAccount> | undefined;

/** One account per process, made at first use: hundreds of simulators need not make a key each. */
export const throwawayAccount = (): Promise<SimulatorAccount> => (throwaway ??= makeAccount());

export interface WrittenAccount {
  readonly configFile: string;
  readonly keyFile: string;
}

/**
 * Writes `config` and `key.pem` (both mode 0600) into `folder`, which is made when absent.
 * `profile` defaults to `DEFAULT`. The pass phrase, when there is one, stands in the config.
 * Rejects with the file system's error.
 */
export const writeAccount = async (
  folder: string,
  account: SimulatorAccount,
  options: { readonly profile?: string } = {},
): Promise<WrittenAccount> => {
  const configFile = join(folder, "config");
  const keyFile = join(folder, "key.pem");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writePrivately(keyFile, account.privateKeyPem);
  await writePrivately(configFile, configText(account, keyFile, options.profile ?? "DEFAULT"));
  return { configFile, keyFile };
};

const writePrivately = async (path: string, text: string): Promise<void> => {
  await writeFile(path, text, { mode: 0o600 });
  // The mode above only counts for a new file.
  await chmod(path, 0o600);
};

const configText = (account: SimulatorAccount, keyFile: string, profile: string): string =>
  [
    `[${profile}]`,
    `user=${account.userId}`,
    `fingerprint=${account.fingerprint}`,
    `tenancy=${account.tenancyId}`,
    `region=${account.region}`,
    `key_file=${keyFile}`,
    ...(account.passPhrase === undefined ? [] : [`pass_phrase=${account.passPhrase}`]),
    "",
  ].join("\n");
