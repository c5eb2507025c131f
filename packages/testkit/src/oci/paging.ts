// Decides which items stand on one page of a list, and the opaque cursor of the next page.

import { createHash } from "node:crypto";
import { compareText } from "@muster/core/words/diagnostic";
import { invalid, ok, type Answer } from "./answer.ts";

/** Where an item stands in its list: compared part by part, ascending. */
export type Position = readonly (string | number)[];

export interface PagingOptions {
  /** Most items on a page, whatever `limit` asks. */
  readonly pageSize: number;
  /** Puts an empty page, which still names a next page, between any two pages. */
  readonly emptyPages: boolean;
}

interface Cursor {
  readonly after: Position;
  readonly query: string;
  readonly emptyDone: boolean;
}

const largestLimit = 1_000;

/**
 * Answers one page of `items`, which come in ascending order of `positionOf`. The cursor holds the
 * position of the last item, not a number: items that vanish between pages hide no others.
 */
export const page = <A>(
  items: readonly A[],
  positionOf: (item: A) => Position,
  render: (item: A) => unknown,
  query: URLSearchParams,
  options: PagingOptions,
): Answer => {
  const limit = limitOf(query);
  if (limit === undefined) return invalid(`limit must be between 1 and ${largestLimit}`);
  const cursor = cursorOf(query);
  if (cursor === "unreadable") return invalid("The page token is invalid.");

  const after = cursor?.after;
  const rest =
    after === undefined ? items : items.filter((item) => order(positionOf(item), after) > 0);
  if (options.emptyPages && cursor !== undefined && !cursor.emptyDone && rest.length > 0) {
    return ok([], { "opc-next-page": write({ ...cursor, emptyDone: true }) });
  }

  const shown = rest.slice(0, Math.min(limit, options.pageSize));
  const last = shown.at(-1);
  const more = last !== undefined && shown.length < rest.length;
  return ok(
    shown.map(render),
    more
      ? {
          "opc-next-page": write({
            after: positionOf(last),
            query: questionOf(query),
            emptyDone: false,
          }),
        }
      : {},
  );
};

/** Orders two positions; numbers before texts never meet, as parts keep their kind. */
export const order = (left: Position, right: Position): number => {
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined || part > other) return 1;
    if (part < other) return -1;
  }
  return 0;
};

const limitOf = (query: URLSearchParams): number | undefined => {
  const text = query.get("limit");
  if (text === null) return largestLimit;
  const limit = Number(text);
  return Number.isInteger(limit) && limit >= 1 && limit <= largestLimit ? limit : undefined;
};

// A cursor belongs to one question: with other filters it would silently skip items.
const questionOf = (query: URLSearchParams): string => {
  const filters = [...query]
    .filter(([name]) => name !== "page" && name !== "limit")
    .toSorted(([a, x], [b, y]) => compareText(a, b) || compareText(x, y));
  return createHash("sha256").update(JSON.stringify(filters)).digest("base64url").slice(0, 16);
};

// base64url, because the SDK puts query parameters into the URL without encoding them.
const write = (cursor: Cursor): string =>
  Buffer.from(JSON.stringify([cursor.after, cursor.query, cursor.emptyDone])).toString("base64url");

const cursorOf = (query: URLSearchParams): Cursor | "unreadable" | undefined => {
  const text = query.get("page");
  if (text === null) return undefined;
  try {
    const [after, question, emptyDone] = JSON.parse(
      Buffer.from(text, "base64url").toString(),
    ) as readonly unknown[];
    if (!Array.isArray(after) || question !== questionOf(query)) return "unreadable";
    return { after: after as Position, query: question, emptyDone: emptyDone === true };
  } catch {
    return "unreadable";
  }
};
