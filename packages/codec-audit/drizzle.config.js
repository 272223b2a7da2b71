/** `npx drizzle-kit generate` in this folder writes the next migration out of src/store/schema.ts. */
export default {
  dialect: 'postgresql',
  schema: './src/store/schema.ts',
  out: './migrations',
  schemaFilter: ['codec_audit'],
};
