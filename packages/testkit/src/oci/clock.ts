// Keeps the simulator's time: every lifecycle, list lag, token age and throttle bucket reads it.

/** The simulator's time. All values are milliseconds since the epoch. */
export interface SimulatorClock {
  /** The time now, in milliseconds since the epoch. Never goes back. */
  readonly now: () => number;
  /** Moves the time forward by `ms` milliseconds. Negative or non-finite values are ignored. */
  readonly advance: (ms: number) => void;
  /** Called once per API request, before anything is decided. */
  readonly requestArrived: () => void;
}

export interface VirtualClockOptions {
  /** First value of `now()`, milliseconds since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly start?: number;
  /** How far each API request moves the time, in milliseconds. Default 0. */
  readonly advancePerRequestMs?: number;
}

const isForward = (ms: number): boolean => Number.isFinite(ms) && ms > 0;

/** A clock that runs with the machine; `advance` adds to it, so `/simulator/advance` works too. */
export const systemClock = (): SimulatorClock => {
  let added = 0;
  return {
    // performance.now() is monotonic: a step of the wall clock must not undo a lifecycle.
    now: () => Math.floor(performance.timeOrigin + performance.now() + added),
    advance: (ms) => {
      if (isForward(ms)) added += ms;
    },
    requestArrived: () => {},
  };
};

/** A clock that stands still until it is told to move: for tests that must not wait. */
export const virtualClock = (options: VirtualClockOptions = {}): SimulatorClock => {
  const perRequest = options.advancePerRequestMs ?? 0;
  let time = options.start ?? Date.UTC(2026, 0, 1);
  const advance = (ms: number): void => {
    if (isForward(ms)) time += ms;
  };
  return { now: () => time, advance, requestArrived: () => advance(perRequest) };
};
