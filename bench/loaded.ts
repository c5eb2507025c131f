// Notes every module that a process loads, and tells them on its fourth channel at the end.

import { writeSync } from "node:fs";
import { registerHooks } from "node:module";

const loaded = new Set<string>();

registerHooks({
  load: (url, context, next) => {
    loaded.add(url);
    return next(url, context);
  },
});

process.once("exit", () => writeSync(3, JSON.stringify([...loaded])));
