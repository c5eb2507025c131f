// Keeps the shape of an answer and the error codes that the API uses.

/** An answer before it is put on the wire. A body of undefined means none. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A page for people in place of a body. */
  readonly html?: string;
  /** A text in place of a body. */
  readonly text?: { readonly type: string; readonly content: string };
}

export const ok = (body: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 200,
  body,
  headers,
});

export const refuse = (status: number, code: string, message: string): Answer => ({
  status,
  body: { code, message },
});

export const cannotParse = (message: string): Answer => refuse(400, "CannotParseRequest", message);

export const invalid = (message: string): Answer => refuse(400, "InvalidParameter", message);

export const missing = (name: string): Answer =>
  refuse(400, "MissingParameter", `Missing required parameter: ${name}`);

/** Absent or not permitted: the API never says which. */
export const notFound = (
  message = "Authorization failed or requested resource not found.",
): Answer => refuse(404, "NotAuthorizedOrNotFound", message);

export const incorrectState = (message: string): Answer => refuse(409, "IncorrectState", message);

/** What a resource is told that is between two states; neither the code nor the words are sure. */
export const beingModified = (): Answer =>
  refuse(409, "Conflict", "The resource is currently being modified, try again later.");

export const invalidatedToken = (message: string): Answer =>
  refuse(409, "InvalidatedRetryToken", message);

export const etagMismatch = (): Answer =>
  refuse(412, "NoEtagMatch", "The if-match value does not match the etag of the resource.");

export const notAuthenticated = (): Answer =>
  refuse(
    401,
    "NotAuthenticated",
    "The required information to complete authentication was not provided or was incorrect.",
  );

export const tooManyRequests = (): Answer =>
  refuse(429, "TooManyRequests", "Too many requests for the user");

export const isSuccess = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300;
