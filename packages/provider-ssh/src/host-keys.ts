// Sees the keys that hosts show over SSH, and lets one stand in known_hosts from now on.

import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  type Accepted,
  HostKeyError,
  HostKeys,
  type ShownHostKey,
} from "@muster/core/inventory/host-keys";
import type { HostAddress } from "@muster/core/words/contact";
import { quote } from "@muster/core/words/quote";
import { makeContacts, type ContactOptions, type Contacts, type Offer } from "./connect.ts";
import { replaceKnownHost } from "./known-hosts-edit.ts";
import { readKnownHostsFiles } from "./known-hosts-file.ts";
import { firstWritable, rewriteFile } from "./known-hosts-rewrite.ts";
import {
  fingerprintOf,
  judgeKey,
  knownHostsName,
  trustedKeys,
  typeOfKeyBytes,
  type KeyJudgement,
} from "./known-hosts.ts";

/** Fails when the operator's configuration cannot be read. */
export const layerHostKeys = (
  options: ContactOptions = {},
): Layer.Layer<HostKeys, { readonly message: string }> =>
  Layer.effect(
    HostKeys,
    Effect.map(makeContacts(options), (contacts) => ({
      look: (address: HostAddress) => Effect.flatMap(contacts.offer(address), shownBy),
      accept: (address, fingerprint, before) => accept(contacts, address, fingerprint, before),
    })),
  );

const verdicts: Readonly<Record<KeyJudgement["verdict"], ShownHostKey["verdict"]>> = {
  ...{ known: "known", changed: "changed", revoked: "revoked", unknown: "unknown" },
  "only-certificate-authority": "unknown",
};

const shownBy = ({ key, settings, name, known }: Offer): Effect.Effect<ShownHostKey> =>
  Effect.map(firstWritable(settings.userKnownHostsFiles), (file) => ({
    type: typeOfKeyBytes(key) ?? "unknown",
    fingerprint: fingerprintOf(key),
    verdict: verdicts[judgeKey(known, name, key).verdict],
    standing: trustedKeys(known, name),
    name: knownHostsName(name),
    file,
  }));

const accept = Effect.fnUntraced(function* <E>(
  contacts: Contacts,
  address: HostAddress,
  fingerprint: string,
  before: Effect.Effect<void, E>,
) {
  const offer = yield* contacts.offer(address);
  const shown = yield* shownBy(offer);
  const host = quote(address.host);
  const remedy = `look again: host hostkey show ${address.host}`;
  if (shown.fingerprint !== fingerprint) {
    const message = `${host} shows ${shown.type} ${shown.fingerprint}, which is not the key that was meant`;
    return yield* new HostKeyError({ reason: "Other", message, remedy });
  }
  if (shown.verdict === "revoked") return yield* revoked(host, shown);
  const { file } = shown;
  if (file === null) {
    return yield* new HostKeyError({
      ...{ reason: "File", message: "no known_hosts file can be written" },
      remedy: "name one by UserKnownHostsFile in the SSH configuration",
    });
  }
  yield* before;
  const { key, name, settings } = offer;
  const { replaced } = yield* Effect.mapError(
    rewriteFile(file, (text) => replaceKnownHost(text, name, key, settings.hashKnownHosts)),
    (fault) => new HostKeyError({ reason: "File", ...fault }),
  );
  const files = [...settings.userKnownHostsFiles, ...settings.globalKnownHostsFiles];
  const known = yield* readKnownHostsFiles(files);
  const { verdict } = judgeKey(known, name, key);
  // Meanwhile somebody may have revoked it, or the file may be longer than what is read of it.
  if (verdict === "revoked") return yield* revoked(host, shown);
  const left = trustedKeys(known, name).filter((one) => one.fingerprint !== fingerprint);
  const accepted: Accepted = { file, left, replaced: replaced.map((one) => ({ ...one, file })) };
  return accepted;
});

const revoked = (host: string, { type, fingerprint }: ShownHostKey): HostKeyError =>
  new HostKeyError({
    reason: "Revoked",
    message: `${host} shows ${type} ${fingerprint}, which was revoked`,
    remedy: "give the host another key; a revoked one can never be accepted",
  });
