import type { FrontCase } from '../front-case.ts';
import { errorCases } from './error-cases.ts';
import { formatCases } from './format-cases.ts';
import { insertCases } from './insert-cases.ts';
import { parameterCases } from './parameter-cases.ts';
import { sessionCases } from './session-cases.ts';
import { transportCases } from './transport-cases.ts';

/** What the unmodified client asks and what must come back, from the front as from a real ClickHouse. */
export const frontCases: Readonly<Record<string, readonly FrontCase[]>> = {
  formats: formatCases,
  parameters: parameterCases,
  inserts: insertCases,
  errors: errorCases,
  sessions: sessionCases,
  transport: transportCases,
};
