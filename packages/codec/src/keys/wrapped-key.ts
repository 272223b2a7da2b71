/** The largest wrapped data key, in bytes: what AWS KMS accepts; keys of Vault are shorter. */
export const MAX_WRAPPED_BYTES = 6144;
