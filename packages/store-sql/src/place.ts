// Reads the place of a store as people write it: `--store`, `MUSTER_STORE`.

import * as Result from "effect/Result";
import { parsePostgresPlace, type PostgresPlace } from "./postgres-place.ts";

/** Where a store is to be found. */
export type StorePlace =
  | { readonly _tag: "Sqlite"; readonly path: string }
  | PostgresPlace
  | { readonly _tag: "Memory" };

const possible = "say sqlite:PATH, postgres://USER@HOST/DATABASE or memory:";

/**
 * The place that a text names, or what is wrong with it. A path is taken as it stands: nothing is
 * expanded or decoded. Of a text with a foreign scheme only the scheme is repeated: such places may
 * carry a password.
 */
export const parseStorePlace = (text: string): Result.Result<StorePlace, string> => {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
  if (match === null) return Result.fail(`a store has a scheme; ${possible}`);
  const scheme = match[1]!.toLowerCase();
  const rest = text.slice(match[0].length);
  if (scheme === "sqlite") return parsePath(rest);
  if (scheme === "postgres" || scheme === "postgresql") return parsePostgresPlace(text);
  if (scheme !== "memory") return Result.fail(`no store knows the scheme ${scheme}:; ${possible}`);
  if (rest !== "") return Result.fail("memory: names no place; say memory: alone");
  return Result.succeed({ _tag: "Memory" });
};

const parsePath = (path: string): Result.Result<StorePlace, string> => {
  if (path === "") return Result.fail("the path is missing; say sqlite:PATH");
  if (path === ":memory:") return Result.fail("sqlite: keeps a file; say memory: for none");
  if (path.startsWith("//")) return Result.fail("sqlite: takes a path, no URL; say sqlite:/path");
  if (path.startsWith("~")) return Result.fail("~ is the shell's; write the path out");
  if (path.includes("\0")) return Result.fail("a path holds no NUL");
  return Result.succeed({ _tag: "Sqlite", path });
};

/** The text of a place again, as it may be shown: a URL loses its password, and what cannot be read all. */
export const withoutPassword = (text: string): string => {
  if (!/^postgres(ql)?:/iu.test(text)) return text;
  if (!URL.canParse(text)) return "postgres:";
  const url = new URL(text);
  url.password = "";
  return url.href;
};
