// How the tests run: from the sources, two files at a time, each file in a process of its own.

import { defineConfig } from "vitest/config";

const conditions = ["muster-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/packed/**", "**/node_modules/**"],
    pool: "forks",
    isolate: true,
    maxWorkers: 2,
    maxConcurrency: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", ["json", { outputFile: ".build/reports/test.json" }]],
  },
});
