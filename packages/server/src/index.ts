// What a running muster answers over HTTP: health, readiness and metrics.

export { parseListenAddress, type Address } from "./address.ts";
export { type HealthState, isAlive, isReady, type Judgement } from "./health.ts";
export { type Listening, serve, ServerError, type ServerOptions } from "./server.ts";
