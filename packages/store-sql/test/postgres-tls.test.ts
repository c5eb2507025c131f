// A server under TLS: who is believed, by the mode that the URL asks for.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { examinePostgresStore } from "../src/examine-postgres.ts";
import { openPostgresStore } from "../src/open-postgres.ts";
import type { PostgresPlace } from "../src/postgres-place.ts";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "./postgres-ground.ts";
import { postgresPresent } from "@muster/testkit/postgres/server";

/** A certificate that vouches for itself, and for the name `localhost` alone. */
const certify = (data: string): string => {
  const [certificate, key] = [join(data, "server.crt"), join(data, "server.key")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
      ...["-days", "2", "-keyout", key, "-out", certificate],
    ],
    { stdio: "pipe" },
  );
  return certificate;
};

describe.skipIf(!postgresPresent())("a store on Postgres under TLS", () => {
  const shared = sharedPostgres();

  it.live("opens for who vouches for the server, or says that nobody need", () =>
    Effect.gen(function* () {
      const server = yield* shared;
      const rootCertificate = certify(server.data);
      yield* server.administer("ALTER SYSTEM SET ssl = on");
      yield* server.stop;
      yield* server.own(["server.key", "server.crt"]);
      yield* server.start;
      const base = placeFor(server, "muster_owner", freshSchema());
      const named = { ...base, host: "localhost" };
      const opens = (place: PostgresPlace) =>
        Effect.scoped(Effect.as(openPostgresStore({ place }), "opens")).pipe(
          Effect.catch((error) =>
            Effect.succeed(error.message.includes("TLS failed") ? "refuses" : error.message),
          ),
        );
      for (const [place, answer] of [
        [{ ...base, tls: "require" }, "opens"],
        [{ ...base, tls: "verify-ca" }, "refuses"],
        [{ ...named, tls: "verify-full" }, "refuses"],
        [{ ...base, tls: "verify-ca", rootCertificate }, "opens"],
        [{ ...named, tls: "verify-full", rootCertificate }, "opens"],
        // It is another host's certificate.
        [{ ...base, tls: "verify-full", rootCertificate }, "refuses"],
      ] as const) {
        assert.strictEqual(yield* opens(place), answer, `${place.tls} of ${place.host}`);
      }
      const connection = (place: PostgresPlace) =>
        Effect.map(examinePostgresStore({ place }), (findings) =>
          findings.find(({ check }) => check === "store connection"),
        );
      const under = yield* connection({ ...base, tls: "require" });
      assert.strictEqual(under?.message, "it is under TLS");
      assert.strictEqual((yield* connection(base))?.message, "it does not leave the machine");
    }),
  );
});
