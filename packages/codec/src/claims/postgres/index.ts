export { CLAIMS_MIGRATIONS, createPostgresRegistry } from './postgres-registry.ts';
export { createPostgresStore } from './postgres-store.ts';
