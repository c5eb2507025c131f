// Makes what an instance shows to prove that it is one: a certificate, its key and its issuer.

import { generateKeyPair, type KeyObject, type X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import { seedIds } from "./seed.ts";

/** The machine that may act as itself. */
export interface InstanceIdentity {
  readonly tenancyId: string;
  readonly instanceId: string;
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly intermediatePem: string;
}

export interface IdentityOptions {
  /** Default: the seeded tenancy. */
  readonly tenancyId?: string;
  /** How long the certificate is good, in seconds. Default one day. */
  readonly lifeSeconds?: number;
}

/** Makes a new one; two RSA keys, about 200 ms. */
export const makeInstanceIdentity = async (
  options: IdentityOptions = {},
): Promise<InstanceIdentity> => {
  const sshpk = (await import("sshpk")) as unknown as Certificates;
  const tenancyId = options.tenancyId ?? seedIds.tenancyId;
  const instanceId = "ocid1.instance.oc1.phx.musterrunner";
  const [own, issuer] = await Promise.all([makeKey(), makeKey()]);
  const lifetime = options.lifeSeconds ?? 86_400;
  const authority = sshpk.identityFromArray([
    { name: "cn", value: "PKISVC Identity Intermediate us-phoenix-1" },
  ]);
  const subject = sshpk.identityFromArray([
    { name: "cn", value: instanceId },
    { name: "ou", value: "opc-certtype:instance" },
    { name: "ou", value: `opc-instance:${instanceId}` },
    { name: "ou", value: `opc-tenant:${tenancyId}` },
  ]);
  const ownKey = sshpk.parsePrivateKey(pemOf(own), "pem");
  const issuerKey = sshpk.parsePrivateKey(pemOf(issuer), "pem");
  const leaf = sshpk.createCertificate(subject, ownKey, authority, issuerKey, { lifetime });
  const intermediate = sshpk.createSelfSignedCertificate(authority, issuerKey, { lifetime });
  return {
    tenancyId,
    instanceId,
    certificatePem: textOf(leaf),
    keyPem: pemOf(own),
    intermediatePem: textOf(intermediate),
  };
};

/** SHA-1 of a certificate in DER form, colon separated lower-case hex: its name in a `keyId`. */
export const certificateFingerprint = (certificate: X509Certificate): string =>
  certificate.fingerprint.toLowerCase();

/** What is used of the package; the types that others wrote for it are of an older version. */
interface Certificates {
  readonly identityFromArray: (
    parts: ReadonlyArray<{ readonly name: string; readonly value: string }>,
  ) => Name;
  readonly parsePrivateKey: (pem: string, format: "pem") => Key;
  readonly createCertificate: (
    subject: Name,
    key: Key,
    issuer: Name,
    issuerKey: Key,
    options: { readonly lifetime: number },
  ) => Certificate;
  readonly createSelfSignedCertificate: (
    subject: Name,
    key: Key,
    options: { readonly lifetime: number },
  ) => Certificate;
}

interface Name {
  readonly components: ReadonlyArray<unknown>;
}

interface Key {
  readonly size: number;
}

interface Certificate {
  readonly toBuffer: (format: "pem") => Buffer;
}

const makeKey = async (): Promise<KeyObject> =>
  (await promisify(generateKeyPair)("rsa", { modulusLength: 2048 })).privateKey;

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs1", format: "pem" }) as string;

const textOf = (certificate: Certificate): string => certificate.toBuffer("pem").toString("utf8");
