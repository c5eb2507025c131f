// Decides which metadata a document may give to its members.

import * as Schema from "effect/Schema";
import * as SchemaIssue from "effect/SchemaIssue";
import { quote } from "@muster/core/words/quote";

/** What OCI takes of all names and texts together, in bytes. */
export const metadataLimit = 32_000;

const keyPattern = /^[A-Za-z0-9_.:-]{1,255}$/u;

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u;

/** The names that the machine's agents read, and what their texts must be. */
const readKeys: Readonly<
  Record<string, { readonly isSound: (text: string) => boolean; readonly hint: string }>
> = {
  user_data: {
    isSound: (text) => text !== "" && base64Pattern.test(text),
    hint: "it must be base64, such as: base64 -w0 cloud-init.yaml",
  },
  ssh_authorized_keys: {
    isSound: (text) =>
      text.trim() !== "" &&
      text.split("\n").every((one) => one.trim() === "" || /^\S+ \S+/u.test(one.trim())),
    hint: "it must be public keys, one a line, such as: ssh-ed25519 AAAA… me@example.com",
  },
};

const metadataFaults = (metadata: Readonly<Record<string, string>>) => {
  const faults = Object.entries(metadata).flatMap(([key, text]) => keyFaults(key, text));
  const bytes = Object.entries(metadata).reduce(
    (sum, [key, text]) => sum + byteLength(key) + byteLength(text),
    0,
  );
  if (bytes <= metadataLimit) return faults;
  const message = `the metadata has ${bytes} bytes, names included, and OCI takes ${metadataLimit}`;
  return [...faults, fault([], message, "let user_data fetch what is large")];
};

const keyFaults = (key: string, text: string) => {
  if (!keyPattern.test(key)) {
    const hint = "names have 1 to 255 letters, digits and _ - . :";
    return [fault([key], `${quote(key)} is no name of metadata`, hint)];
  }
  const read = Object.hasOwn(readKeys, key) ? readKeys[key] : undefined;
  if (read !== undefined) {
    // Its text may be a secret: it is never repeated.
    return read.isSound(text) ? [] : [fault([key], `${quote(key)} cannot be used`, read.hint)];
  }
  const meant = Object.keys(readKeys).find((name) => plain(name) === plain(key));
  if (meant === undefined) return [];
  const hint = `did you mean ${quote(meant)}?`;
  return [fault([key], `nothing on the member reads ${quote(key)}`, hint)];
};

const plain = (key: string): string => key.toLowerCase().replaceAll(/[-_.:]/gu, "");

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

const fault = (path: ReadonlyArray<string>, message: string, hint: string) => ({
  path,
  issue: new SchemaIssue.InvalidValue({ message, hint }),
});

export const Metadata = Schema.Record(Schema.String, Schema.String)
  .annotate({
    title: "Metadata",
    description:
      "Name and text, which the member can read: `ssh_authorized_keys`, `user_data` in base64, " +
      `and your own. At most ${metadataLimit} bytes together.`,
  })
  .check(Schema.makeFilter(metadataFaults));
