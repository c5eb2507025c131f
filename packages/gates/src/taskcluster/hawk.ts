// Signs a request without a payload as Hawk says, with the client's own key.

import { createHmac, randomBytes } from "node:crypto";
import * as Redacted from "effect/Redacted";

/** Who calls; the certificate is there when the credentials are temporary. */
export interface Credentials {
  readonly clientId: string;
  readonly accessToken: Redacted.Redacted;
  /** JSON, as Taskcluster issued it. */
  readonly certificate: Redacted.Redacted | null;
}

export interface Signed {
  readonly method: "GET";
  readonly url: URL;
  /** Milliseconds since the epoch; more than 15 minutes off is refused. */
  readonly now: number;
}

/** The `authorization` header. Each is for one request: a nonce is never used twice. */
export const hawkHeader = (
  { clientId, accessToken, certificate }: Credentials,
  request: Signed,
): string => {
  const timestamp = Math.floor(request.now / 1_000);
  const nonce = randomBytes(9).toString("base64url");
  const ext = certificate === null ? "" : extOf(certificate);
  const mac = hawkMac(Redacted.value(accessToken), { ...request, timestamp, nonce, ext });
  const fields = [
    ["id", clientId],
    ["ts", String(timestamp)],
    ["nonce", nonce],
    ...(ext === "" ? [] : [["ext", ext]]),
    ["mac", mac],
  ];
  return `Hawk ${fields.map(([name, value]) => `${name}="${value}"`).join(", ")}`;
};

interface Covered extends Omit<Signed, "now"> {
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly nonce: string;
  readonly ext: string;
}

/** Of nine lines, of which that of the payload's hash is empty. */
export const hawkMac = (key: string, { method, url, timestamp, nonce, ext }: Covered): string => {
  const lines = [
    "hawk.1.header",
    timestamp,
    nonce,
    method,
    `${url.pathname}${url.search}`,
    // An IPv6 address stands in brackets, as in the header `host`.
    url.hostname,
    url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port,
    "",
    ext,
  ];
  return createHmac("sha256", key)
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("base64");
};

/** Base64, so that nothing in it needs to be escaped. */
const extOf = (certificate: Redacted.Redacted): string =>
  Buffer.from(
    JSON.stringify({ certificate: JSON.parse(Redacted.value(certificate)) as unknown }),
  ).toString("base64");
