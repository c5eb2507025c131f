// Brings the daemon's page: files that are read once and served as they are, without a build.

import { readFile } from "node:fs/promises";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Reading } from "./endpoints.ts";

const files = [
  { path: "/", file: "index.html", type: "text/html", summary: "The page for people" },
  { path: "/page.css", file: "page.css", type: "text/css", summary: "How the page looks" },
  { path: "/page.js", file: "page.js", type: "text/javascript", summary: "What the page does" },
  { path: "/icon.svg", file: "icon.svg", type: "image/svg+xml", summary: "The icon of the page" },
] as const;

/** Beside `src` as beside `dist`. */
const folder = new URL("../../page/", import.meta.url);

export const readPage: Effect.Effect<ReadonlyArray<Reading>> = Effect.forEach(
  files,
  ({ path, file, type, summary }) =>
    Effect.map(
      Effect.promise(() => readFile(new URL(file, folder), "utf8")),
      (body): Reading => ({
        _tag: "Reading",
        path,
        summary,
        answers: { [type]: Schema.String },
        refusals: [],
        read: () => Effect.succeed({ status: 200, type: `${type}; charset=utf-8`, body }),
      }),
    ),
);
