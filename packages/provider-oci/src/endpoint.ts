// Decides whether a text is a base address that signed requests may be sent to.

export type EndpointReading =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly summary: string };

/**
 * A base address without a trailing slash. Plain http is only for this machine: anywhere else
 * requests and answers could be read on the way.
 */
export const readEndpoint = (
  text: string,
  mayBePlain: (host: string) => boolean = () => false,
): EndpointReading => {
  if (!URL.canParse(text)) return refuse("is not a URL");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    return refuse("is neither https nor http");
  if (url.username !== "" || url.password !== "") return refuse("holds a user or password");
  if (url.search !== "" || url.hash !== "") return refuse("has a query or fragment");
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !mayBePlain(url.hostname)) {
    return refuse("is plain http, which is only for this machine: use https");
  }
  return { ok: true, url: url.href.replace(/\/+$/, "") };
};

/** The addresses of the link that every instance finds its metadata under, in plain http. */
export const isMetadataHost = (host: string): boolean =>
  host === "169.254.169.254" || host === "[fd00:c1::a9fe:a9fe]";

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "[::1]" || /^127(\.[0-9]{1,3}){3}$/.test(host);

const refuse = (summary: string): EndpointReading => ({ ok: false, summary });
