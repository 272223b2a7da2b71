export { type ClaimCheck, type ClaimCheckOptions, createClaimCheck } from './claim-check.ts';
export { type ClaimId, type ClaimName, isClaimName, readClaimName } from './claim-name.ts';
export { isReference } from './claim-reference.ts';
export type { ClaimOwner, ClaimRegistry, Observation, OwnerRecord } from './claim-registry.ts';
export { type Collection, type CollectionOptions, collectClaims } from './collect-claims.ts';
export type { ExecutionDirectory } from './execution-directory.ts';
export type { ObjectStore, StoredObject } from './object-store.ts';
export { type Reencryption, type ReencryptedPage, reencryptClaims } from './reencrypt-claims.ts';
export { createTemporalDirectory } from './temporal-directory.ts';
