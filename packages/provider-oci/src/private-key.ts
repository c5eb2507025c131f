// Decides whether a text is an RSA private key that can sign, before any vendor code sees it.

import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** What is wrong with a key, without a word of its content. */
export interface KeyFault {
  readonly about: "key" | "pass phrase";
  readonly summary: string;
  readonly remedy: string;
}

export type KeyReading =
  | { readonly ok: true; readonly pem: string; readonly fingerprint: string }
  | { readonly ok: false; readonly fault: KeyFault };

/**
 * Reads a PEM private key (PKCS#1 or PKCS#8, plain or encrypted). The answer's `pem` is not
 * encrypted any more: the SDK's own key reader ends the whole process on a wrong pass phrase, so it
 * is never given one.
 */
export const readPrivateKey = (text: string, passPhrase: string | undefined): KeyReading => {
  const misuse = faultOfForm(text);
  if (misuse !== undefined) return refuse(misuse);
  const encrypted = /ENCRYPTED/.test(text);
  if (encrypted && passPhrase === undefined) return refuse(missingPassPhrase);
  const key = open(text, passPhrase);
  if (key === undefined) return refuse(encrypted ? wrongPassPhrase : damaged);
  if (key.asymmetricKeyType !== "rsa") return refuse(notRsa);
  return {
    ok: true,
    pem: key.export({ type: "pkcs1", format: "pem" }) as string,
    fingerprint: fingerprintOf(key),
  };
};

const open = (text: string, passPhrase: string | undefined): KeyObject | undefined => {
  try {
    return createPrivateKey({
      key: text,
      format: "pem",
      ...(passPhrase === undefined ? {} : { passphrase: passPhrase }),
    });
  } catch {
    // What OpenSSL says names neither file nor remedy.
    return undefined;
  }
};

/** MD5 of the public key in DER form, colon separated hex: the name that OCI gives a key. */
export const fingerprintOf = (key: KeyObject): string => {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  return createHash("md5")
    .update(der)
    .digest("hex")
    .replace(/(..)(?=.)/g, "$1:");
};

const faultOfForm = (text: string): KeyFault | undefined => {
  if (text.trim() === "") return { about: "key", summary: "is empty", remedy: pemRemedy };
  if (/-----BEGIN (RSA )?PUBLIC KEY-----/.test(text)) {
    return {
      about: "key",
      summary: "holds a public key, and signing needs the private one",
      remedy: "point key_file to the private key of the pair",
    };
  }
  if (/-----BEGIN OPENSSH PRIVATE KEY-----/.test(text)) {
    return {
      about: "key",
      summary: "holds a key in OpenSSH form",
      remedy:
        "convert a copy with `ssh-keygen -p -m PEM -f FILE`, or make a key with `oci setup keys`",
    };
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return { about: "key", summary: "is not a private key in PEM form", remedy: pemRemedy };
  }
  return undefined;
};

const refuse = (fault: KeyFault): KeyReading => ({ ok: false, fault });

const pemRemedy = "point key_file to the PEM file of the API key (`-----BEGIN PRIVATE KEY-----`)";

const damaged: KeyFault = {
  about: "key",
  summary: "cannot be read as a private key: it is damaged",
  remedy: pemRemedy,
};

const notRsa: KeyFault = {
  about: "key",
  summary: "is not an RSA key",
  remedy: "OCI signs API calls with RSA keys: make one with `oci setup keys` and upload it",
};

const missingPassPhrase: KeyFault = {
  about: "pass phrase",
  summary: "is encrypted, and the profile has no pass_phrase",
  remedy: "set pass_phrase in the profile, or use a key without one",
};

const wrongPassPhrase: KeyFault = {
  about: "pass phrase",
  summary: "does not open with the profile's pass_phrase",
  remedy: "correct pass_phrase, or the key file that it belongs to",
};
