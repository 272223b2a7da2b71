/** Something that is to happen; cancelled, it does not. */
export interface Timer {
  cancel(): void;
}

interface Planned extends Timer {
  readonly at: number;
  readonly order: number;
  run: (() => void) | null;
}

/**
 * The clock of a simulated world. Nothing happens by itself: `step` runs what is planned next, in the order of time and
 * among equals in the order of planning. Whoever steps lets all promises settle between two steps.
 */
export class VirtualTime {
  #now: number;
  #order = 0;
  readonly #heap: Planned[] = [];
  readonly #quiet: (() => void)[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** Plans something for `ms` milliseconds from now. */
  after(ms: number, run: () => void): Timer {
    const planned: Planned = {
      at: this.#now + Math.max(0, ms),
      order: this.#order++,
      run,
      cancel: () => {
        planned.run = null;
      },
    };
    push(this.#heap, planned);
    return planned;
  }

  /** Plans something for as soon as all promises have settled, before the time goes on. */
  whenQuiet(run: () => void): void {
    this.#quiet.push(run);
  }

  /** Runs what is next; false if nothing is planned. */
  step(): boolean {
    const next = this.#quiet.shift();
    if (next !== undefined) {
      next();
      return true;
    }
    for (let planned = pop(this.#heap); planned !== undefined; planned = pop(this.#heap)) {
      if (planned.run === null) continue;
      this.#now = planned.at;
      planned.run();
      return true;
    }
    return false;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Planned[], planned: Planned): void {
  let at = heap.push(planned) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(planned, parent)) break;
    heap[at] = parent;
    heap[above] = planned;
    at = above;
  }
}

function pop(heap: Planned[]): Planned | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  heap[0] = last;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    let least = at;
    for (const child of [left, right]) {
      const candidate = heap[child];
      const known = heap[least];
      if (candidate !== undefined && known !== undefined && isBefore(candidate, known)) least = child;
    }
    if (least === at) return first;
    const [a, b] = [heap[at], heap[least]];
    if (a === undefined || b === undefined) return first;
    heap[at] = b;
    heap[least] = a;
    at = least;
  }
}
