import type postgres from 'postgres';
import { CodecError } from '../../contract/errors.ts';
import { nameClaim } from '../claim-name.ts';
import type { ClaimRegistry, OwnerRecord } from '../claim-registry.ts';
import { guardStore } from '../stores/store-error.ts';

/** Where the migrations of the schema `claims` are, as `migratePostgres` of `@heliograph/database` takes it. */
export const CLAIMS_MIGRATIONS = {
  schema: 'claims',
  folder: new URL('../../../migrations/claims', import.meta.url),
} as const;

/** The driver gives `bigint` as text. */
interface OwnerRow {
  readonly id: string;
  readonly workflow_id: string;
  readonly uploads: string;
  readonly claimed_at: string;
  readonly observed_at: string | null;
  readonly missing_since: string | null;
  readonly is_uncertain: boolean;
}

/**
 * Keeps the register in the schema `claims` of PostgreSQL. Give it a connection pool of postgres.js with a statement
 * timeout, and apply {@link CLAIMS_MIGRATIONS} first.
 *
 * An upload locks the row of its id; so does the deletion of an id without owners, which then finds another count of
 * uploads and lets go.
 */
export function createPostgresRegistry({ sql }: { readonly sql: postgres.Sql }): ClaimRegistry {
  return {
    claim: (id, { namespace, workflowId }) =>
      guardStore('register an upload', async () => {
        const [row] = await sql<{ name: string }[]>`
          with named as (
            insert into claims.names (id, name) values (${id}, ${nameClaim(id)})
            on conflict (id) do update set uploads = names.uploads + 1
            returning id, name
          ), owner as (
            insert into claims.owners (id, namespace, workflow_id)
            select id, ${namespace}, ${workflowId} from named
            on conflict (namespace, workflow_id, id) do update
            set uploads = owners.uploads + 1, missing_since = null
          )
          select name from named`;
        if (row !== undefined) return row.name;
        throw new CodecError('CODEC_CLAIMS_UNAVAILABLE', 'An upload could not be registered.', {
          retryable: true,
        });
      }),
    currentNames: (names) =>
      guardStore('look up names', async () => {
        const rows = await sql<{ name: string }[]>`
          select name from claims.names where name in (select jsonb_array_elements_text(${JSON.stringify(names)}::text::jsonb))`;
        return new Set(rows.map(({ name }) => name));
      }),
    listOwners: (namespace, { after, limit }) =>
      guardStore('list owners', async () => {
        const rows = await sql<OwnerRow[]>`
          select id, workflow_id, uploads, claimed_at, observed_at, missing_since, is_uncertain
          from claims.owners
          where namespace = ${namespace} and (workflow_id, id) > (${after?.workflowId ?? ''}, ${after?.id ?? ''})
          order by workflow_id, id limit ${limit}`;
        return rows.map((row) => toRecord(namespace, row));
      }),
    listFamilies: ({ namespace, workflowId }) =>
      guardStore('list families', async () => {
        const rows = await sql<{ family: string }[]>`
          select family from claims.families
          where namespace = ${namespace} and workflow_id = ${workflowId} order by family`;
        return rows.map(({ family }) => family);
      }),
    observe: ({ id, namespace, workflowId, uploads }, observation, at) =>
      guardStore('record a look', async () => {
        const { missingSince, isUncertain, families } = observation;
        await sql`
          with kept as (
            insert into claims.families (namespace, workflow_id, family)
            select ${namespace}, ${workflowId}, family
            from jsonb_array_elements_text(${JSON.stringify(families)}::text::jsonb) as family
            on conflict do nothing
          )
          update claims.owners
          set missing_since = case when uploads = ${uploads} then ${missingSince}::bigint end,
            is_uncertain = ${isUncertain}, observed_at = ${at}
          where namespace = ${namespace} and workflow_id = ${workflowId} and id = ${id}`;
      }),
    disown: ({ id, namespace, workflowId, uploads }) =>
      guardStore('remove an owner', async () => {
        const rows = await sql`
          delete from claims.owners
          where namespace = ${namespace} and workflow_id = ${workflowId} and id = ${id} and uploads = ${uploads}
          returning 1`;
        if (rows.length > 0)
          await sql`
            delete from claims.families f where namespace = ${namespace} and workflow_id = ${workflowId}
            and not exists (select from claims.owners o
              where o.namespace = f.namespace and o.workflow_id = f.workflow_id)`;
        return rows.length > 0;
      }),
    condemn: (limit) =>
      guardStore('give up objects', async () => {
        const idle = await sql<{ id: string; uploads: string }[]>`
          select id, uploads from claims.names n
          where not exists (select from claims.owners o where o.id = n.id) limit ${limit}`;
        let count = 0;
        for (const { id, uploads } of idle) {
          // The foreign key of owners refuses it, should the count ever be wrong.
          const rows = await sql`
            with gone as (
              delete from claims.names where id = ${id} and uploads = ${uploads} returning name
            )
            insert into claims.condemned (name) select name from gone returning 1`;
          count += rows.length;
        }
        return count;
      }),
    listCondemned: (limit) =>
      guardStore('list objects to delete', async () => {
        const rows = await sql<{ name: string }[]>`
          select name from claims.condemned order by name limit ${limit}`;
        return rows.map(({ name }) => name);
      }),
    forget: (name) =>
      guardStore('forget an object', async () => {
        await sql`delete from claims.condemned where name = ${name}`;
      }),
  };
}

function toRecord(namespace: string, row: OwnerRow): OwnerRecord {
  const optional = (instant: string | null): number | null => (instant === null ? null : Number(instant));
  return {
    namespace,
    workflowId: row.workflow_id,
    id: row.id,
    uploads: Number(row.uploads),
    claimedAt: Number(row.claimed_at),
    observedAt: optional(row.observed_at),
    missingSince: optional(row.missing_since),
    isUncertain: row.is_uncertain,
  };
}
