/** `npx drizzle-kit generate` in this folder writes the next migration out of scripts/claims-schema.ts. */
export default {
  dialect: 'postgresql',
  schema: './scripts/claims-schema.ts',
  out: './migrations/claims',
  schemaFilter: ['claims'],
};
