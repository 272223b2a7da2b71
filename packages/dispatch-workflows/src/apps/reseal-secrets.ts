import type { Postgres, Sealer } from '@heliograph/database';
import { and, asc, eq, gt } from 'drizzle-orm';
import { connectedApps } from '../stores/schema.ts';
import { runStatement } from '../stores/run-statement.ts';

/** What a pass over the sealed secrets did. */
export interface ResealedSecrets {
  readonly resealed: number;
  /** Ids of connected apps whose secret cannot be opened, so that it keeps its key. */
  readonly failed: readonly string[];
}

const PAGE_SIZE = 100;

/**
 * Seals the secrets of connected apps with the active key where another one has sealed them, row by row. A row that was
 * changed meanwhile is left as it is, and versions stay: for everyone else nothing has changed. It may be repeated, and
 * killed, at any time.
 *
 * @throws {DatabaseError}
 */
export async function resealSecrets({ db }: Pick<Postgres, 'db'>, sealer: Sealer): Promise<ResealedSecrets> {
  const failed: string[] = [];
  let resealed = 0;
  let after = '';
  for (;;) {
    const rows = await runStatement('list sealed secrets', () =>
      db
        .select({
          id: connectedApps.id,
          sealed: connectedApps.secretSealed,
          keyId: connectedApps.secretKeyId,
        })
        .from(connectedApps)
        .where(gt(connectedApps.id, after))
        .orderBy(asc(connectedApps.id))
        .limit(PAGE_SIZE),
    );
    for (const row of rows.filter((each) => sealer.isStale(each))) {
      const next = sealAnew(sealer, row);
      if (next === null) {
        failed.push(row.id);
        continue;
      }
      const updated = await runStatement('seal a secret anew', () =>
        db
          .update(connectedApps)
          .set({ secretSealed: next.sealed, secretKeyId: next.keyId })
          .where(and(eq(connectedApps.id, row.id), eq(connectedApps.secretSealed, row.sealed)))
          .returning({ id: connectedApps.id }),
      );
      resealed += updated.length;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_SIZE) return { resealed, failed };
    after = last.id;
  }
}

function sealAnew(
  sealer: Sealer,
  row: { readonly id: string; readonly sealed: Uint8Array; readonly keyId: string },
) {
  const context = `connected_app:${row.id}`;
  try {
    return sealer.seal(sealer.open(row, context), context);
  } catch {
    return null;
  }
}
