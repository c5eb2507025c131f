// What a running muster answers over HTTP: health, readiness and metrics, and a fleet's daemon.

export { parseListenAddress, type Address } from "./address.ts";
export { type FleetListening, type FleetServerOptions, serveFleet } from "./fleet.ts";
export { type FleetToken, keepToken, TokenError } from "./fleet/token.ts";
export { type HealthState, isAlive, isReady, type Judgement } from "./health.ts";
export { type Listening, ServerError } from "./listener.ts";
export { serve, type ServerOptions } from "./server.ts";
