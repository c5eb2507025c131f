// Finds the circles in a graph: strongly connected parts (Tarjan), and files that name themselves.

export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Each part of the graph from whose every file one comes back to it; sorted. */
export const cyclesOf = (graph: Graph): ReadonlyArray<ReadonlyArray<string>> => {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: Array<string> = [];
  const cycles: Array<ReadonlyArray<string>> = [];

  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    lowest.set(file, index);
    open.push(file);
    for (const next of graph.get(file) ?? []) {
      const reach = !order.has(next) ? visit(next) : open.includes(next) ? order.get(next) : index;
      lowest.set(file, Math.min(lowest.get(file) ?? index, reach ?? index));
    }
    const low = lowest.get(file) ?? index;
    if (low === index) {
      const part = open.splice(open.lastIndexOf(file));
      const circular = part.length > 1 || graph.get(file)?.has(file) === true;
      if (circular) cycles.push(part.toSorted());
    }
    return low;
  };

  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return cycles;
};
