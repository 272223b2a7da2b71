import * as v from 'valibot';

/** Bodies are read by the handlers, which answer 400 as Temporal's own handler does. */
export const unknownBody = v.unknown();
