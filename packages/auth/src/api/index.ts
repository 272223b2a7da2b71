export { addAuthApi } from './add-auth-api.ts';
export type { AuthApiDependencies } from './add-auth-api.ts';
