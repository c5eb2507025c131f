// Decides what is answered to an instance that asks who it is, and to who asks for a token.

import { createPublicKey, X509Certificate, type KeyObject } from "node:crypto";
import { cannotParse, notAuthenticated, ok, refuse, type Answer } from "./answer.ts";
import { certificateFingerprint, type InstanceIdentity } from "./instance-identity.ts";
import type { Seed } from "./seed.ts";
import {
  verifySignature,
  type KeyRing,
  type SignatureFailure,
  type SignedRequest,
} from "./signature.ts";
import { isFields } from "./tags.ts";
import type { Tokens } from "./tokens.ts";

/** What the request log calls these requests. */
export type AuthOperation = "GetMetadata" | "GetToken" | "RefreshToken";

export interface AuthService {
  readonly seed: Seed;
  /** The machine behind the metadata service; nothing: there is none. */
  readonly instance: InstanceIdentity | undefined;
  readonly keys: KeyRing;
  readonly tokens: Tokens;
  readonly wallClock: () => number;
}

export interface AuthAnswer {
  readonly operation: AuthOperation;
  readonly answer: Answer;
  readonly signatureFailure?: SignatureFailure;
}

const metadataPrefix = "/opc/v2/";

/** Nothing when the request is for the API. */
export const serveAuth = (service: AuthService, request: SignedRequest): AuthAnswer | undefined => {
  const path = request.target.split("?")[0] ?? "";
  if (path.startsWith(metadataPrefix) && service.instance !== undefined) {
    const answer = metadata(service.instance, service.seed, request, path);
    return { operation: "GetMetadata", answer };
  }
  if (path === "/v1/x509" && service.instance !== undefined) {
    return { operation: "GetToken", ...federate(service, service.instance, request) };
  }
  if (path === "/v1/authentication/refresh") {
    return { operation: "RefreshToken", ...refresh(service, request) };
  }
  return undefined;
};

const metadata = (
  instance: InstanceIdentity,
  seed: Seed,
  request: SignedRequest,
  path: string,
): Answer => {
  if (request.headers["authorization"] !== "Bearer Oracle") {
    return refuse(401, "NotAuthenticated", "Authorization: Bearer Oracle is missing.");
  }
  if (request.method !== "GET") return refuse(405, "MethodNotAllowed", "Only GET is allowed here.");
  const texts: Readonly<Record<string, string>> = {
    "instance/region": seed.regionKey.toLowerCase(),
    "instance/regionInfo": JSON.stringify({
      realmKey: "oc1",
      realmDomainComponent: "oraclecloud.com",
      regionKey: seed.regionKey,
      regionIdentifier: seed.region,
    }),
    "identity/cert.pem": instance.certificatePem,
    "identity/key.pem": instance.keyPem,
    "identity/intermediate.pem": instance.intermediatePem,
  };
  const text = texts[path.slice(metadataPrefix.length)];
  return text === undefined
    ? refuse(404, "NotFound", "No such path.")
    : { status: 200, text: { type: "text/plain", content: text } };
};

type Decided = Omit<AuthAnswer, "operation">;

const refused = (signatureFailure?: SignatureFailure): Decided => ({
  answer: notAuthenticated(),
  ...(signatureFailure === undefined ? {} : { signatureFailure }),
});

/** A token for the session key in the body, when the certificate vouches for who signed. */
const federate = (
  { tokens, wallClock }: AuthService,
  instance: InstanceIdentity,
  request: SignedRequest,
): Decided => {
  const leaf = new X509Certificate(instance.certificatePem);
  const caller = {
    tenancyId: instance.tenancyId,
    userId: instance.instanceId,
    publicKey: leaf.publicKey,
  };
  const name = `${instance.tenancyId}/fed-x509/${certificateFingerprint(leaf)}`;
  const keys: KeyRing = { find: (keyId) => (keyId === name ? caller : "unknown-key") };
  const verified = verifySignature(request, keys, wallClock());
  if ("failure" in verified) return refused(verified.failure);
  const body = bodyOf(request);
  const sessionKey = publicKeyIn(body?.["publicKey"]);
  if (body === undefined || sessionKey === undefined) {
    return { answer: cannotParse("certificate and publicKey are needed.") };
  }
  const isShown = body["certificate"] === bareOf(instance.certificatePem);
  const isVouched =
    Array.isArray(body["intermediateCertificates"]) &&
    body["intermediateCertificates"].includes(bareOf(instance.intermediatePem)) &&
    leaf.verify(new X509Certificate(instance.intermediatePem).publicKey);
  const isGood = Date.parse(leaf.validTo) > wallClock();
  if (!isShown || !isVouched || !isGood || !tokens.isAllowed()) return refused();
  return { answer: ok({ token: tokens.issue(caller, sessionKey) }) };
};

/** Another token for the same key, for who signs with a token that still lives. */
const refresh = ({ keys, tokens, wallClock }: AuthService, request: SignedRequest): Decided => {
  const verified = verifySignature(request, keys, wallClock());
  if ("failure" in verified) return refused(verified.failure);
  const current = bodyOf(request)?.["currentToken"];
  const holder = typeof current === "string" ? tokens.find(current, wallClock()) : "token-unknown";
  if (typeof holder === "string") return refused(holder);
  if (!tokens.isAllowed()) return refused();
  return { answer: ok({ token: tokens.issue(holder, holder.publicKey) }) };
};

const bodyOf = (request: SignedRequest): Readonly<Record<string, unknown>> | undefined => {
  try {
    const body = JSON.parse(request.body.toString()) as unknown;
    return isFields(body) ? body : undefined;
  } catch {
    return undefined;
  }
};

const publicKeyIn = (value: unknown): KeyObject | undefined => {
  if (typeof value !== "string") return undefined;
  try {
    return createPublicKey({ key: Buffer.from(value, "base64"), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
};

/** A PEM without its first and last line and without line ends, as it is sent. */
const bareOf = (pem: string): string =>
  pem.replace(/-----[A-Z ]+-----/g, "").replace(/[\r\n]/g, "");
