// Decides whether names, tags and metadata keep the limits of the service.

import { cannotParse, invalid, type Answer } from "./answer.ts";

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const limits = {
  displayName: 255,
  freeformTags: 10,
  tagKey: 100,
  tagValue: 256,
  metadataBytes: 32_000,
} as const;

/** The first fault in what LaunchInstance and UpdateInstance have in common. */
export const checkAttributes = (body: Fields): Answer | undefined =>
  checkDisplayName(body["displayName"]) ??
  checkFreeformTags(body["freeformTags"]) ??
  checkDefinedTags(body["definedTags"]) ??
  checkMetadata(body["metadata"]);

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

const checkDisplayName = (value: unknown): Answer | undefined => {
  if (isAbsent(value)) return undefined;
  if (typeof value !== "string") return cannotParse("displayName must be a string");
  return value.length >= 1 && value.length <= limits.displayName
    ? undefined
    : invalid(`displayName must have 1 to ${limits.displayName} characters`);
};

const checkFreeformTags = (value: unknown): Answer | undefined => {
  if (isAbsent(value)) return undefined;
  if (!isFields(value)) return cannotParse("freeformTags must be an object");
  const tags = Object.entries(value);
  if (tags.length > limits.freeformTags) {
    return invalid(`freeformTags must have at most ${limits.freeformTags} tags`);
  }
  for (const [key, tag] of tags) {
    if (typeof tag !== "string") return cannotParse("freeformTags must have string values");
    if (key.length < 1 || key.length > limits.tagKey) {
      return invalid(`freeformTags keys must have 1 to ${limits.tagKey} characters`);
    }
    if (tag.length > limits.tagValue) {
      return invalid(`freeformTags values must have at most ${limits.tagValue} characters`);
    }
  }
  return undefined;
};

const checkDefinedTags = (value: unknown): Answer | undefined => {
  if (isAbsent(value)) return undefined;
  const twoLevels = isFields(value) && Object.values(value).every(isFields);
  return twoLevels ? undefined : cannotParse("definedTags must be namespace -> key -> value");
};

const checkMetadata = (value: unknown): Answer | undefined => {
  if (isAbsent(value)) return undefined;
  if (!isFields(value)) return cannotParse("metadata must be an object");
  let bytes = 0;
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") return cannotParse("metadata must have string values");
    bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  }
  if (bytes > limits.metadataBytes) {
    return invalid(`metadata must have at most ${limits.metadataBytes} bytes`);
  }
  const userData = value["user_data"];
  return typeof userData !== "string" || isBase64(userData)
    ? undefined
    : invalid("metadata user_data must be base64 encoded");
};

const isBase64 = (text: string): boolean =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
