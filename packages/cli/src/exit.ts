// Decides what the process answers: one exit code and one told error for everything that can go wrong.

import * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Exit from "effect/Exit";
import type * as Runtime from "effect/Runtime";
import * as Schema from "effect/Schema";
import * as CliError from "effect/cli/CliError";

/** The command ends here: with this code, and with these words when there are any. */
export class CommandEnd extends Schema.TaggedError<CommandEnd>()("CommandEnd", {
  code: Schema.Int,
  message: Schema.optionalKey(Schema.String),
  remedy: Schema.optionalKey(Schema.String),
}) {}

/** Ends with a code; everything there is to say was said. */
export const endWith = (code: number): CommandEnd => new CommandEnd({ code });

/** Whether a process that was told to stop did so in good order: then being interrupted is a success. */
export const Stop: Context.Reference<{ inOrder: boolean }> = Context.Reference<{
  inOrder: boolean;
}>("@muster/cli/exit/Stop", { defaultValue: () => ({ inOrder: false }) });

/** Wrong arguments or configuration. */
export const wrongInput = (message: string, remedy: string): CommandEnd =>
  new CommandEnd({ code: 1, message, remedy });

interface Told {
  readonly _tag?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly remedy?: string;
  readonly place?: string;
}

const codeByTag: Readonly<Record<string, number>> = {
  StoreError: 2,
  LeaseError: 2,
  ProviderError: 2,
  GitError: 2,
  ServerError: 2,
  PlatformError: 2,
  ConfigurationError: 1,
  FleetBusy: 2,
  FleetFailed: 2,
  TokenError: 2,
};

/** A guard said no, and a person can consent or go another way. */
const refusedCode = 5;

/** Reasons that a person's input caused, not the world's. */
const inputReasons = new Set(["Invalid", "Unsupported", "NoAtomicPush"]);

export interface Ending {
  readonly code: number;
  readonly message?: string;
  readonly remedy?: string;
}

/** Names the store that is meant: there may be several, and a person named none. */
const placed = (message: string, { _tag, place = "" }: Told): string =>
  _tag === "StoreError" && !message.includes(place) ? `${place}: ${message}` : message;

/** What a failure means to the caller of the command; nothing known is an internal error. */
export const endingOf = (error: unknown): Ending => {
  const told = (typeof error === "object" && error !== null ? error : {}) as Told & Ending;
  const words = {
    ...(told.message === undefined || told.message === ""
      ? {}
      : { message: placed(told.message, told) }),
    ...(told.remedy === undefined ? {} : { remedy: told.remedy }),
  };
  if (error instanceof CommandEnd) return { code: error.code, ...words };
  const code = codeByTag[told._tag ?? ""];
  if (code === undefined) return { code: 3, message: String(error) };
  if (told._tag === "FleetFailed" && told.reason === "Refused") {
    return { code: refusedCode, ...words };
  }
  return { code: inputReasons.has(told.reason ?? "") ? 1 : code, ...words };
};

/** 130 when interrupted, 1 for a wrong command line, 3 for what muster did not expect. */
export const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isSuccess(exit)) return onExit(0);
  if (Cause.hasInterruptsOnly(exit.cause)) return onExit(130);
  const error = Cause.findErrorOption(exit.cause);
  if (error._tag === "None") return onExit(3);
  return onExit(CliError.isCliError(error.value) ? 1 : endingOf(error.value).code);
};
