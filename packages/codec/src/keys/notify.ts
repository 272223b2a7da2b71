/** Calls a listener. What it throws, or rejects with, is its own affair: it ends neither a watch nor the process. */
export function notify(tell: () => unknown): void {
  try {
    void Promise.resolve(tell()).catch(() => undefined);
  } catch {
    // See above.
  }
}
