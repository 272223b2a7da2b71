/** A worker process. What it has in memory ends with it, and so does everything that it waits for. */
export class Process {
  readonly name: string;
  /** How far its clock is ahead, in milliseconds. */
  skewMs = 0;
  #isAlive = true;
  readonly #onCrash: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Runs when the process is killed. */
  onCrash(run: () => void): void {
    this.#onCrash.push(run);
  }

  /** Ends the process as `kill -9` does. */
  crash(): void {
    this.#isAlive = false;
    for (const run of this.#onCrash.splice(0)) run();
  }
}

/** What a process waits for that is no more. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
