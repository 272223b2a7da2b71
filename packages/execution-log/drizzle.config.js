/** `npx drizzle-kit generate` in this folder writes the next migration out of src/schema.ts. */
export default {
  dialect: 'postgresql',
  schema: './src/schema.ts',
  out: './migrations',
  schemaFilter: ['execution_log'],
};
