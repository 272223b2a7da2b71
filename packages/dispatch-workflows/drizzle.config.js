/** `npx drizzle-kit generate` in this folder writes the next migration out of src/stores/schema.ts. */
export default {
  dialect: 'postgresql',
  schema: './src/stores/schema.ts',
  out: './migrations/postgres',
  schemaFilter: ['dispatch'],
};
