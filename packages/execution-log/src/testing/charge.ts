import * as v from 'valibot';
import type { OnceOptions } from '../create-execution-log.ts';

/** Options of a charge that may not be repeated. */
export const charge: OnceOptions<string> = { inDoubt: { kind: 'refuse' }, result: v.string() };
