// Asks a process for its heap after a collection, through the inspector that node itself brings.

/** A process that was started with `--inspect=127.0.0.1:0` in `NODE_OPTIONS`. */
export interface Heap {
  /**
   * Bytes that a collection leaves: objects, and what buffers hold outside of the heap. Without code,
   * which V8 goes on compiling for many minutes.
   */
  readonly afterCollection: () => Promise<number>;
  readonly close: () => void;
}

/** Told by the process itself; the spaces of objects, of all that V8 has. */
const measure = `
  process.memoryUsage().arrayBuffers +
  process.getBuiltinModule("node:v8").getHeapSpaceStatistics()
    .filter(({ space_name }) => !/code|trusted|read_only/.test(space_name))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0)
`;

/** Where the inspector listens, as the process says it on stderr. */
export const inspectorIn = (said: string): string =>
  /Debugger listening on (ws:\/\/127\.0\.0\.1:\S+)/u.exec(said)![1]!;

export const openHeap = async (inspector: string): Promise<Heap> => {
  const socket = new WebSocket(inspector);
  const waiting = new Map<number, (result: unknown) => void>();
  const gone = new Promise<never>((_, reject) => {
    socket.addEventListener("close", () => reject(new Error("the process is gone")));
  });
  gone.catch(() => undefined);
  let sent = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id === undefined) return;
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error(`nobody answers at ${inspector}`)));
  });
  const call = <A>(method: string, params: object = {}): Promise<A> => {
    const answered = new Promise<A>((resolve) => {
      sent += 1;
      waiting.set(sent, (result) => resolve(result as A));
      socket.send(JSON.stringify({ id: sent, method, params }));
    });
    return Promise.race([answered, gone]);
  };
  return {
    afterCollection: async () => {
      await call("HeapProfiler.collectGarbage");
      const { result } = await call<{ readonly result: { readonly value: number } }>(
        "Runtime.evaluate",
        { expression: measure, returnByValue: true },
      );
      return result.value;
    },
    close: () => socket.close(),
  };
};

export type Point = readonly [seconds: number, bytes: number];

/** Neighbours of which the least stands for all: what is only in the making passes. */
const together = 5;

/** What is held for long: the least of each few points. */
export const floorOf = (points: ReadonlyArray<Point>): ReadonlyArray<Point> =>
  points.flatMap((_, at) =>
    at % together === 0
      ? [points.slice(at, at + together).reduce((a, b) => (b[1] < a[1] ? b : a))]
      : [],
  );

/** Bytes a second: the median of the slopes between any two points, which few outliers do not move. */
export const slopeOf = (points: ReadonlyArray<Point>): number => {
  const slopes = points.flatMap(([x, y], at) =>
    points.slice(at + 1).map(([laterX, laterY]) => (laterY - y) / (laterX - x)),
  );
  return slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)]!;
};
