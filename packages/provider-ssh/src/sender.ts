// Has one line run on one host over SSH, and hands its output on as it comes.

import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Sender } from "@muster/core/inventory/send";
import { Ssh, type PoolOptions } from "./pool.ts";

/** Its connections are its own and end with it. Fails when the configuration cannot be read. */
export const layerSender = (
  options: PoolOptions = {},
): Layer.Layer<Sender, { readonly message: string }> =>
  Layer.effect(
    Sender,
    Effect.map(Ssh, (ssh) => ({
      send: (address, { line, before, hear, timeoutMillis }) =>
        ssh.reach(address, (contact) =>
          Effect.andThen(before, contact.exec({ command: line, hear, timeoutMillis })),
        ),
    })),
  ).pipe(Layer.provide(Ssh.layer(options)));
