/** How a fan-out went: for each group, how many of its items were sent before one failed. */
export interface FanOutResult<Group> {
  readonly sent: number;
  readonly failures: readonly { readonly group: Group; readonly index: number; readonly error: unknown }[];
}

/**
 * Sends the items of many groups: groups side by side, at most `concurrency` at once, and within a group one after
 * another, stopping the group at its first failure. So nothing overtakes within a group.
 */
export async function fanOut<Group extends { readonly signals: readonly unknown[] }>(
  groups: readonly Group[],
  options: {
    readonly concurrency: number;
    readonly send: (group: Group, item: Group['signals'][number]) => Promise<void>;
    /** No further group is begun once this is aborted; groups not begun count as failed at their first item. */
    readonly signal?: AbortSignal | undefined;
  },
): Promise<FanOutResult<Group>> {
  const failures: { group: Group; index: number; error: unknown }[] = [];
  let sent = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let group = groups[next++]; group !== undefined; group = groups[next++]) {
      let index = 0;
      try {
        options.signal?.throwIfAborted();
        for (const item of group.signals) {
          await options.send(group, item);
          index++;
          sent++;
        }
      } catch (error) {
        failures.push({ group, index, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency, groups.length) }, lane));
  return { sent, failures };
}
