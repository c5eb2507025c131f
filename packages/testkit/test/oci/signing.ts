// Signs requests by hand, so that tests can sign them wrongly.

import { createHash, createSign } from "node:crypto";
import { keyIdOf, type SimulatorAccount } from "../../src/oci/index.ts";

export interface HandSigned {
  readonly method: string;
  readonly target: string;
  readonly body?: string;
  /** Sent instead of the body that was signed. */
  readonly sentBody?: string;
  /** Sent instead of the path and query that were signed. */
  readonly sentTarget?: string;
  readonly signedHeaders?: readonly string[];
  readonly keyId?: string;
  readonly date?: Date;
  /** Changes the finished Authorization header. */
  readonly rewrite?: (authorization: string) => string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one request signed as `request` says, and answers status and body. */
export const sendSigned = async (
  endpoint: string,
  account: SimulatorAccount,
  request: HandSigned,
): Promise<{ readonly status: number; readonly body: unknown; readonly headers: Headers }> => {
  const body = request.body ?? "";
  const hasBody = request.method === "POST" || request.method === "PUT";
  const values: Record<string, string> = {
    "x-date": (request.date ?? new Date()).toUTCString(),
    "(request-target)": `${request.method.toLowerCase()} ${request.target}`,
    host: new URL(endpoint).host,
    ...(hasBody
      ? {
          "content-length": String(Buffer.byteLength(body)),
          "content-type": "application/json",
          "x-content-sha256": createHash("sha256").update(body).digest("base64"),
        }
      : {}),
  };
  const signed = request.signedHeaders ?? Object.keys(values);
  const text = signed.map((name) => `${name}: ${values[name] ?? ""}`).join("\n");
  const signature = createSign("RSA-SHA256")
    .update(text)
    .sign(
      account.passPhrase === undefined
        ? account.privateKeyPem
        : { key: account.privateKeyPem, passphrase: account.passPhrase },
      "base64",
    );
  const authorization =
    `Signature version="1",keyId="${request.keyId ?? keyIdOf(account)}",` +
    `algorithm="rsa-sha256",headers="${signed.join(" ")}",signature="${signature}"`;
  const { "(request-target)": _target, host: _host, "content-length": _length, ...sent } = values;
  const response = await fetch(endpoint + (request.sentTarget ?? request.target), {
    method: request.method,
    headers: {
      ...sent,
      authorization: request.rewrite?.(authorization) ?? authorization,
      ...request.headers,
    },
    ...(hasBody ? { body: request.sentBody ?? body } : {}),
  });
  const answer = await response.text();
  return {
    status: response.status,
    body: answer === "" ? undefined : (JSON.parse(answer) as unknown),
    headers: response.headers,
  };
};
