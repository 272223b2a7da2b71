/** Runs something once for all who ask for the same while it runs; the first who asks after it has ended starts it anew. */
export function shareRuns<Key, Value>(run: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const running = new Map<Key, Promise<Value>>();
  return (key) => {
    const known = running.get(key);
    if (known !== undefined) return known;
    const started = Promise.resolve()
      .then(() => run(key))
      .finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}
