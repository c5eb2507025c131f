// What a test or a packager may need of the command line.

export { runCli } from "./cli.ts";
export { teardown } from "./exit.ts";
export { defaultWiring, Wiring, type WiringShape } from "./wiring.ts";
