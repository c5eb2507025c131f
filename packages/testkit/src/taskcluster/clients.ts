// Keeps who may call: clients with their scopes, and temporary credentials that one of them issued.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

export interface SimulatedClient {
  readonly clientId: string;
  readonly accessToken: string;
  /** Such as `worker-manager:list-workers:*`. */
  readonly scopes: ReadonlyArray<string>;
  /** Milliseconds since the epoch. Default: never. */
  readonly expires?: number;
}

/** What a client is given; the certificate is there when it is temporary. */
export interface IssuedCredentials {
  readonly clientId: string;
  readonly accessToken: string;
  readonly certificate: string;
}

/** Who calls, with what key, and what it may do. */
export interface Caller {
  readonly clientId: string;
  readonly key: string;
  readonly scopes: ReadonlyArray<string>;
}

interface Certificate {
  readonly version: 1;
  readonly seed: string;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly expiry: number;
  readonly scopes: ReadonlyArray<string>;
  readonly signature: string;
}

/** A client of its own that may ask about workers. */
export const throwawayClient = (): SimulatedClient => ({
  clientId: "muster/simulated",
  accessToken: randomBytes(32).toString("base64url"),
  scopes: ["worker-manager:list-workers:*", "worker-manager:get-worker:*"],
});

/** Credentials that last for an hour, for a part of the client's scopes. */
export const issueTemporary = (
  { clientId, accessToken, scopes }: SimulatedClient,
  { now, scopes: fewer = scopes }: { readonly now: number; readonly scopes?: readonly string[] },
): IssuedCredentials => {
  const unsigned = {
    version: 1 as const,
    seed: randomBytes(33).toString("base64"),
    start: now - 60_000,
    expiry: now + 3_600_000,
    scopes: fewer,
  };
  return {
    clientId,
    accessToken: temporaryKey(accessToken, unsigned.seed),
    certificate: JSON.stringify({ ...unsigned, signature: signature(accessToken, unsigned) }),
  };
};

/** Who it is that shows this id, and this certificate when there is one; else what is wrong. */
export const identify = (
  clients: ReadonlyArray<SimulatedClient>,
  clientId: string,
  ext: string | undefined,
  now: number,
): Caller | string => {
  const client = clients.find((one) => one.clientId === clientId);
  if (client === undefined) return `Client with clientId '${clientId}' not found`;
  if (client.expires !== undefined && client.expires < now) return "Client has expired";
  const lasting = { clientId, key: client.accessToken, scopes: client.scopes };
  if (ext === undefined) return lasting;
  const shown = readExt(ext);
  if (shown === undefined) return "Failed to parse ext";
  if (shown.certificate === undefined) return lasting;
  return temporaryCaller(client, shown.certificate, now);
};

const temporaryCaller = (
  client: SimulatedClient,
  certificate: Partial<Certificate>,
  now: number,
): Caller | string => {
  if (!isCertificate(certificate)) return "ext.certificate is no certificate";
  if (certificate.start > now + 300_000) return "ext.certificate.start > now";
  if (certificate.expiry < now - 300_000) return "ext.certificate.expiry < now";
  const expected = Buffer.from(signature(client.accessToken, certificate));
  const given = Buffer.from(certificate.signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    return "ext.certificate.signature is not valid";
  }
  if (!certificate.scopes.every((scope) => satisfies(client.scopes, scope))) {
    return "ext.certificate issuer doesn't satisfy all certificate scopes";
  }
  return {
    clientId: client.clientId,
    key: temporaryKey(client.accessToken, certificate.seed),
    scopes: certificate.scopes,
  };
};

/** Whether one of the scopes is it, or a beginning of it that ends in a star. */
export const satisfies = (scopes: ReadonlyArray<string>, needed: string): boolean =>
  scopes.some((scope) =>
    scope.endsWith("*") ? needed.startsWith(scope.slice(0, -1)) : scope === needed,
  );

const readExt = (ext: string): { readonly certificate?: Partial<Certificate> } | undefined => {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(ext, "base64").toString("utf8"));
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
};

const isCertificate = (shown: Partial<Certificate>): shown is Certificate =>
  shown.version === 1 &&
  typeof shown.seed === "string" &&
  shown.seed.length === 44 &&
  typeof shown.start === "number" &&
  typeof shown.expiry === "number" &&
  typeof shown.signature === "string" &&
  Array.isArray(shown.scopes);

const signature = (
  accessToken: string,
  { seed, start, expiry, scopes }: Omit<Certificate, "signature">,
): string =>
  createHmac("sha256", accessToken)
    .update(
      [
        "version:1",
        `seed:${seed}`,
        `start:${start}`,
        `expiry:${expiry}`,
        "scopes:",
        ...scopes,
      ].join("\n"),
    )
    .digest("base64");

const temporaryKey = (accessToken: string, seed: string): string =>
  createHmac("sha256", accessToken).update(seed).digest("base64url");
