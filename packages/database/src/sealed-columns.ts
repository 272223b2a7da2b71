import { text } from 'drizzle-orm/pg-core';
import { bytea } from './columns.ts';

const sealedColumn = (column: string) => bytea(column);
const keyIdColumn = (column: string) => text(column);

type SealedColumns<TName extends string> = {
  readonly [K in `${TName}Sealed`]: ReturnType<typeof sealedColumn>;
} & { readonly [K in `${TName}KeyId`]: ReturnType<typeof keyIdColumn> };

/**
 * The two columns of a stored secret, `<name>_sealed bytea` and `<name>_key_id text`, under the keys
 * `<name>Sealed` and `<name>KeyId`: `pgTable('connected_apps', { ...sealedColumns('secret') })`. Both may be
 * null; add `.notNull()` to each where a secret must exist.
 */
export function sealedColumns<const TName extends string>(name: TName): SealedColumns<TName> {
  const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const columns = {
    [`${name}Sealed`]: sealedColumn(`${snake}_sealed`),
    [`${name}KeyId`]: keyIdColumn(`${snake}_key_id`),
  };
  // Computed keys widen to string, so the compiler cannot follow the template literal type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return columns as unknown as SealedColumns<TName>;
}
