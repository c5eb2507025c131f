// Health, readiness and metrics of a running muster, over HTTP.

export {};
