// Makes room for names that nobody resolves: each holds a thread until the resolver gives up, and files and other names wait for one.

/** Of the 64 hosts that are looked at at a time each may hang, and some room is left. */
const threads = 80;

/** Heeded when the first thread is needed, so it is called before anything else; the environment may say otherwise. */
export const makeThreads = (): void => {
  process.env["UV_THREADPOOL_SIZE"] ??= String(threads);
};
