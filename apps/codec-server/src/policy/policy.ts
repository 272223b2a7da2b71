import * as v from 'valibot';

/** What a caller may be allowed to do with payloads. */
export const ACTIONS = ['decode', 'encode', 'download'] as const;

/** One of {@link ACTIONS}. */
export type Action = (typeof ACTIONS)[number];

const role = v.pipe(
  v.string(),
  v.regex(/^[^\p{C}*]{1,128}$/u, 'expected the name of a role: 1 to 128 characters, and no *'),
);
const namespaces = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[\w.*-]{1,255}$/, 'expected a namespace; * stands for any text'))),
  v.minLength(1, 'expected at least one namespace'),
);
const domains = v.pipe(
  v.array(
    v.pipe(
      v.string(),
      v.regex(/^[a-z0-9*-]{1,32}$/, 'expected a domain such as dispatch; * stands for any text'),
    ),
  ),
  v.minLength(1, 'expected at least one domain'),
);
const roles = v.pipe(v.array(role), v.minLength(1, 'expected at least one role'));

/** The form of a policy file. Nothing is allowed that no rule allows. */
export const policySchema = v.strictObject({
  version: v.literal(1),
  /**
   * Namespaces that also need one of these roles, whatever a rule allows: one careless rule for all namespaces then opens
   * none of them. Required, `[]` too, so that a file which is read before it
   * is written whole is refused.
   */
  elevated: v.array(v.strictObject({ namespaces, roles })),
  rules: v.array(
    v.strictObject({
      /** Named in logs, for people. */
      name: v.optional(v.string()),
      /** Whoever has one of them. */
      roles,
      namespaces,
      domains,
      actions: v.pipe(v.array(v.picklist(ACTIONS)), v.minLength(1, 'expected at least one action')),
    }),
  ),
});

/** Who may do what with the payloads of which namespaces and domains. */
export type Policy = Readonly<v.InferOutput<typeof policySchema>>;

/** The codes of {@link PolicyError}. */
export type PolicyErrorCode = 'POLICY_INVALID' | 'POLICY_UNREADABLE';

/** Thrown for a policy file that cannot be used; the message names the file, and line and column of the first fault. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly code: PolicyErrorCode;

  constructor(code: PolicyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
