// Decides whether a session's token can still sign: OCI itself would only answer 401.

import { readFile } from "node:fs/promises";
import { sessionEnded } from "./errors.ts";
import { CallFailed } from "./transport.ts";

/** The token in a file. Rejects with `CallFailed` when it cannot be read or has expired. */
export const readSessionToken = async (file: string, now: number): Promise<string> => {
  const token = await readFile(file, "utf8").then(
    (text) => text.trim(),
    () => {
      throw ended(`the session token file ${file} cannot be read`);
    },
  );
  const end = endOfToken(token);
  if (end === undefined) throw ended(`the session token file ${file} holds no token`);
  if (end <= now) throw ended(`the session ended at ${new Date(end).toISOString()} (${file})`);
  return token;
};

/** When a token ends, in milliseconds since the epoch; nothing when it is no token. */
export const endOfToken = (token: string): number | undefined => {
  const claims = token.split(".")[1];
  if (claims === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as {
      readonly exp?: unknown;
    };
    return typeof exp === "number" ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
};

const ended = (message: string): CallFailed =>
  new CallFailed(message, { statusCode: 401, serviceCode: sessionEnded });
