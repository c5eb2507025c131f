// Chooses a few of many points by a fixed seed, so that a failure can be met again; all run at night.

const seed = 20_260_501;

/** A small linear congruential generator: the same points, from 1 to `n`, on every machine. */
export const seeded = (n: number, many: number): ReadonlyArray<number> => {
  const points: Array<number> = [];
  for (let state = seed; points.length < Math.min(n, many);) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const point = 1 + (state % n);
    if (!points.includes(point)) points.push(point);
  }
  return points;
};
