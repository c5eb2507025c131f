// Decides who may ask a fleet daemon at all, and who may change something through it.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import * as Redacted from "effect/Redacted";
import { mayBeCalled } from "../address.ts";
import { refusal, type Reply } from "./reply.ts";

/**
 * Refuses a name that is not ours, which a page can make point here, and every page but our own.
 * A person who follows a link from elsewhere is let through: that other page cannot read the answer.
 */
export const refuseCaller = (
  headers: IncomingHttpHeaders,
  names: ReadonlyArray<string>,
): Reply | null => {
  if (!mayBeCalled(headers.host, names)) {
    return refusal(
      "UnknownHost",
      "this server does not go by that name",
      "call it by its address or as localhost, or start the daemon with that name listed",
    );
  }
  if (!isOwnOrigin(headers) || !isOwnSite(headers)) {
    return refusal(
      "ForeignOrigin",
      "a page of another origin may not ask here",
      "open the daemon's own page; a proxy has to hand on the Host header that the browser sent",
    );
  }
  return null;
};

/** Browsers name the origin of the page that asks; the scheme is the proxy's affair. */
const isOwnOrigin = ({ origin, host }: IncomingHttpHeaders): boolean => {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host: asking } = new URL(origin);
  const called = URL.canParse(`${protocol}//${host}`) ? new URL(`${protocol}//${host}`).host : null;
  return /^https?:$/u.test(protocol) && asking === called;
};

const isOwnSite = (headers: IncomingHttpHeaders): boolean => {
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return true;
  return headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
};

/** Only the header counts: an address stands in logs and histories, a cookie comes along unasked. */
export const refuseBearer = (
  headers: IncomingHttpHeaders,
  token: Redacted.Redacted,
): Reply | null => {
  const given = /^Bearer +([\w.~+/-]+=*) *$/iu.exec(headers.authorization ?? "")?.[1];
  if (given !== undefined && sameText(given, Redacted.value(token))) return null;
  const none = headers.authorization === undefined;
  return refusal(
    "NoToken",
    none ? "a change needs the daemon's token" : "that is not the daemon's token",
    "send the token of the daemon's token file as: Authorization: Bearer TOKEN",
    { "www-authenticate": `Bearer realm="muster"${none ? "" : ', error="invalid_token"'}` },
  );
};

/** Takes as long whatever the texts are: their digests have one length. */
const sameText = (one: string, other: string): boolean =>
  timingSafeEqual(digest(one), digest(other));

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
