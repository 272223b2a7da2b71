import { v7 } from 'uuid';

/** Identity as a port: whoever makes new ids takes this, so that a test can name them beforehand. */
export interface Ids {
  /** Returns an id that was never returned before. */
  next(): string;
}

/** Ids for production: UUID version 7, ascending in time within one process. */
export const uuidV7Ids: Ids = { next: () => v7() };

/** Creates ids for tests: `prefix-1`, `prefix-2`, … */
export function sequentialIds(prefix: string = 'id'): Ids {
  let last = 0;
  return {
    next: () => {
      last += 1;
      return `${prefix}-${last}`;
    },
  };
}
