import { errorCases } from './cases-errors.js';
import { formatCases } from './cases-formats.js';
import { insertCases } from './cases-inserts.js';
import { parameterCases } from './cases-parameters.js';
import { sessionCases } from './cases-sessions.js';
import { transportCases } from './cases-transport.js';

/**
 * What the unmodified client asks and what must come back, from the front as from a real ClickHouse.
 * @type {Readonly<Record<string, readonly import('./front-case.js').FrontCase[]>>}
 */
export const frontCases = {
  formats: formatCases,
  parameters: parameterCases,
  inserts: insertCases,
  errors: errorCases,
  sessions: sessionCases,
  transport: transportCases,
};
