// Keeps the rules that the simulator enforces, each with how well it is known.

/**
 * - `[D]` the service's documentation or published client code says so
 * - `[S]` read in, or measured on, the official SDK
 * - `[P]` public issue threads and other projects' code
 * - `[?]` not confirmed: do not build on it, handle every variant
 */
export type RuleSource = "[D]" | "[S]" | "[P]" | "[?]";

export interface Rule {
  readonly id: string;
  readonly rule: string;
  readonly source: RuleSource;
  readonly note: string;
}

const rule = (id: string, source: RuleSource, text: string, note = ""): Rule => ({
  id,
  rule: text,
  source,
  note,
});

/** Every rule, in the order a request meets them. A test names each id in a title. */
export const rules: readonly Rule[] = [
  rule("signature.accepted", "[D]", "A signed request of a known key is served."),
  rule(
    "signature.scheme",
    "[D]",
    "Authorization is Signature, version 1, rsa-sha256, each field once.",
  ),
  rule("signature.key", "[D]", "keyId is tenancy/user/fingerprint of a known key."),
  rule(
    "signature.headers",
    "[D]",
    "date or x-date, (request-target) and host are signed; with a body also content-length, " +
      "content-type and x-content-sha256.",
  ),
  rule("signature.digest", "[D]", "x-content-sha256 is the digest of the body as received."),
  rule(
    "signature.clock",
    "[D]",
    "A date more than 5 minutes off is refused.",
    "Checked against the wall clock, since clients sign with real time.",
  ),
  rule(
    "signature.silent",
    "[D]",
    "Every failure is the same 401 NotAuthenticated.",
    "The reason stands in the simulator's request log only.",
  ),
  rule(
    "signature.token",
    "[D]",
    "keyId ST$<token> counts with the key that the token was made for, until the token ends.",
  ),
  rule(
    "auth.metadata",
    "[S]",
    "The metadata service answers only with Authorization: Bearer Oracle.",
    "It stands only for a machine that the simulator was given.",
  ),
  rule(
    "auth.federation",
    "[S]",
    "/v1/x509 gives a token for the public key in the body to tenancy/fed-x509/<sha1 of the leaf>.",
    "What is wrong with a certificate is not told; that it is always 401 is our choice [?].",
  ),
  rule(
    "auth.refresh",
    "[S]",
    "/v1/authentication/refresh gives another token for the same key while one still lives.",
    "That an ended one is 401 is our choice [?].",
  ),
  rule("http.path", "[D]", "An unknown path is 404 NotFound, a wrong method 405 MethodNotAllowed."),
  rule(
    "http.body",
    "[?]",
    "A body over 1 MiB is 413; text that is not JSON is 400 CannotParseRequest.",
    "CannotParseRequest is documented; the size and the code of the 413 are ours.",
  ),
  rule(
    "http.request-id",
    "[D]",
    "opc-request-id is answered, extending what the client sent (client/x/y).",
  ),
  rule(
    "throttle",
    "[D]",
    "429 TooManyRequests per user, without retry-after.",
    "The limits are not published; retry-after can be turned on.",
  ),
  rule(
    "error.html",
    "[S]",
    "A gateway's error is a page of HTML without a code; the SDK calls its code None.",
    "Only when planted.",
  ),
  rule("list.compartment", "[D]", "Lists need compartmentId; an unknown one is 404."),
  rule("list.filters", "[D]", "Availability domain, exact name and one state filter; no tag does."),
  rule(
    "list.grouped",
    "[D]",
    "ListInstances is grouped by availability domain, then sorted: time descending, or name.",
  ),
  rule(
    "list.paging",
    "[D]",
    "opc-next-page until it is absent; a page may be short.",
    "Cursors stand for the last item shown; one of another query is 400 InvalidParameter [?].",
  ),
  rule("list.empty-page", "[?]", "A page may be empty and still have a next page."),
  rule("list.lag", "[P]", "ListInstances can lag behind; GetInstance does not."),
  rule("get.missing", "[D]", "Absent or not permitted: 404 NotAuthorizedOrNotFound."),
  rule("launch.lifecycle", "[D]", "PROVISIONING, maybe STARTING, then RUNNING."),
  rule("launch.required", "[D]", "A missing required field is 400 MissingParameter."),
  rule(
    "launch.place",
    "[?]",
    "Full name of an availability domain; fault domain 1 to 3 or none; else 400 InvalidParameter.",
    "The names are documented, the code is our choice.",
  ),
  rule("launch.shape", "[P]", "An unknown shape is 404 'shape X not found'."),
  rule(
    "launch.flex",
    "[?]",
    "*.Flex needs shapeConfig.ocpus inside the limits of ListShapes; others take no shapeConfig.",
    "The need and the limits are documented, the code InvalidParameter is our choice.",
  ),
  rule(
    "launch.reference",
    "[?]",
    "Unknown compartment, image, subnet: 400 RelatedResourceNotAuthorizedOrNotFound, or 404.",
    "The error table says 400 for what stands in a body; 404 is often reported. Option.",
  ),
  rule("launch.subnet", "[D]", "A subnet is regional or of the launch's availability domain."),
  rule("launch.boot-volume", "[D]", "bootVolumeSizeInGBs is 50 to 32768."),
  rule("launch.limits", "[D]", "Limits of names, tags and metadata; user_data is base64."),
  rule("launch.limit-exceeded", "[D]", "400 LimitExceeded once the service limit is reached."),
  rule(
    "launch.quota-exceeded",
    "[D]",
    "400 QuotaExceeded once a compartment's quota is reached.",
    "Quotas are an option. What counts is ours: instances that are not TERMINATED.",
  ),
  rule(
    "launch.hosts",
    "[P]",
    "A place has so many hosts; then its launches are out of capacity, in the answer or later.",
    "Option. Without a fault domain the service picks one that has room [D].",
  ),
  rule(
    "launch.capacity",
    "[P]",
    "500 InternalError 'Out of host capacity.' per availability or fault domain.",
  ),
  rule(
    "launch.fails",
    "[D]",
    "When the work request fails, the instance becomes TERMINATED.",
    "The work request lists the error.",
  ),
  rule("token.length", "[D]", "opc-retry-token has 1 to 64 characters."),
  rule("token.repeat", "[D]", "The same token and body answer the first instance, for 24 hours."),
  rule(
    "token.dead",
    "[?]",
    "The token of a dead instance answers it, or is 409 InvalidatedRetryToken.",
    "Documented only as 'may be invalidated earlier when the resource is gone'. Option.",
  ),
  rule(
    "token.other-body",
    "[?]",
    "The same token with another body is 409 InvalidatedRetryToken.",
    "That it is refused is reported [P]; the code is our choice.",
  ),
  rule("update.fields", "[D]", "UpdateInstance changes name, tags and metadata."),
  rule("update.fixed-metadata", "[D]", "user_data and ssh_authorized_keys cannot be changed."),
  rule(
    "update.only-simulated",
    "[?]",
    "Other fields are 400 InvalidParameter.",
    "The service can change more; refusing is safer than ignoring.",
  ),
  rule("etag.match", "[D]", "A wrong if-match is 412 NoEtagMatch, and nothing changes."),
  rule("etag.changes", "[D]", "The etag changes with every change of state or attributes."),
  rule(
    "action.lifecycle",
    "[D]",
    "STOP and SOFTSTOP: STOPPING, STOPPED. START: STARTING, RUNNING.",
  ),
  rule("action.reset", "[?]", "RESET and SOFTRESET: STOPPING, STARTING, RUNNING."),
  rule("action.state", "[?]", "An action in a state it does not fit is 409 IncorrectState."),
  rule("terminate.lifecycle", "[D]", "204, TERMINATING, then TERMINATED."),
  rule("terminate.kept", "[D]", "A terminated instance stays listed 12 hours, then it is 404."),
  rule(
    "terminate.again",
    "[?]",
    "Terminating what is TERMINATING or TERMINATED is 409 IncorrectState, 409 Conflict, or 404.",
    "Option. The words of the Conflict are 'currently being modified, try again later'.",
  ),
  rule(
    "terminate.provisioning",
    "[?]",
    "Terminating what is PROVISIONING is accepted, or 409 IncorrectState, or 409 Conflict.",
    "Option. When accepted, the launch's work request ends CANCELED.",
  ),
  rule(
    "work-request.life",
    "[D]",
    "ACCEPTED, IN_PROGRESS, SUCCEEDED with percentComplete, resources and logs.",
    "The names of operationType, and 12 hours of keeping, are our choice [?].",
  ),
  rule(
    "work-request.canceled",
    "[D]",
    "A work request may end CANCELED: what it was for did not happen, and no error is listed.",
    "That a canceled launch leaves a TERMINATED instance is our choice [?].",
  ),
  rule(
    "work-request.forbidden",
    "[D]",
    "Who may not read work requests is answered 404, as if there were none.",
    "Option.",
  ),
  rule(
    "identity.places",
    "[D]",
    "Availability domains carry the tenancy's prefix; three FDs each.",
  ),
  rule("identity.account", "[D]", "Tenancy, user, regions, subscriptions, compartments."),
  rule("catalog", "[D]", "Images, shapes with their limits, subnets regional or of one domain."),
  rule("network.vnic", "[D]", "An instance has a VNIC attachment and a VNIC with its addresses."),
];
