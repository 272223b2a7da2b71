import type { ResolveDebt } from './debt-store.ts';

/** What is needed of a debt to resend its resolve. */
export type DueDebt = Pick<ResolveDebt, 'workflowId' | 'stream' | 'issue'>;

/**
 * Resolve debts that are due, at most `max` of them: where there are more, the app that has most of them gives up one, so
 * what one app owes leaves room for the others.
 */
export class DueDebts {
  readonly #byApp = new Map<string, DueDebt[]>();
  readonly #max: number;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add({ workflowId, stream, issue }: DueDebt): void {
    const ofApp = this.#byApp.get(stream.connectedAppId) ?? [];
    this.#byApp.set(stream.connectedAppId, ofApp);
    ofApp.push({ workflowId, stream, issue });
    this.#size++;
    if (this.#size <= this.#max) return;
    this.#size--;
    [...this.#byApp.values()].reduce((most, each) => (each.length > most.length ? each : most)).pop();
  }

  /**
   * All of them, apps in turns. Within an app they begin anywhere, as `random` says (at least 0, below 1): what stays due
   * without being sent does not stand before the same others in every sweep.
   */
  inTurns(random: () => number): readonly DueDebt[] {
    const queues = [...this.#byApp.values()].map((debts) => {
      const start = Math.floor(random() * debts.length);
      return [...debts.slice(start), ...debts.slice(0, start)];
    });
    const longest = Math.max(0, ...queues.map(({ length }) => length));
    return Array.from({ length: longest }, (_, turn) => queues.flatMap((queue) => queue[turn] ?? [])).flat();
  }
}
