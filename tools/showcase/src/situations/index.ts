import type { Situation } from '../situation.ts';
import { BY_ROUTE } from './by-route.ts';
import { DROPPED } from './dropped.ts';
import { NOTIFIED } from './notified.ts';
import { SILENT } from './silent.ts';
import { UNDECIDED } from './undecided.ts';

/** One situation for every reason, and more for some outcomes. */
export const SITUATIONS: readonly Situation[] = [
  ...NOTIFIED,
  ...SILENT,
  ...DROPPED,
  ...UNDECIDED,
  ...BY_ROUTE,
];
