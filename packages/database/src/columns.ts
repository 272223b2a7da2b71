import { customType, timestamp } from 'drizzle-orm/pg-core';

/** A `bytea` column whose value is a `Uint8Array`. */
export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' });

/** A `timestamptz` column in milliseconds, as a `Date` has them. */
export function instant(column: string) {
  return timestamp(column, { withTimezone: true, mode: 'date', precision: 3 });
}
