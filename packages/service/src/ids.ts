import { v7 } from 'uuid';

/** Generates ids. It is a port, so that a test knows them beforehand. */
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
