import { readFile } from 'node:fs/promises';
import { type Followed, follow, type FollowOptions } from '@heliograph/service';
import { parsePolicy } from './parse-policy.ts';
import { type Policy, PolicyError } from './policy.ts';

/** A policy, and the text that it was read from. */
export interface PolicyText {
  readonly text: string;
  readonly policy: Policy;
}

/**
 * Reads a policy file and follows its changes. A file that cannot be used changes nothing.
 *
 * @throws PolicyError POLICY_INVALID, POLICY_UNREADABLE: there is no policy before the first one.
 */
export function followPolicyFile(
  file: string,
  options: Pick<FollowOptions<PolicyText>, 'intervalMs' | 'onChange' | 'onProblem'> = {},
): Promise<Followed<PolicyText>> {
  return follow({
    ...options,
    read: async () => {
      const text = await readText(file);
      return { text, policy: parsePolicy(text, file) };
    },
    isSame: (before, now) => before.text === now.text,
  });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
    throw new PolicyError(
      'POLICY_UNREADABLE',
      `The policy cannot be used: ${file} cannot be read (${code}).`,
    );
  }
}
