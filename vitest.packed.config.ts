// The tests that need the packages as they are published: slow, and not without the registry.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/packed/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ["default", ["json", { outputFile: ".build/reports/packed.json" }]],
  },
});
