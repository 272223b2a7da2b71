import { parseDomainKeys } from '@heliograph/codec/codecs';
import { CliError } from './errors.ts';

/** A key of a key file, and the file without it. */
export interface Retirement {
  readonly domain: string;
  readonly keyId: string;
  /** The file as it is to be. */
  readonly text: string;
}

interface KeyFileJson {
  readonly domains: Readonly<
    Record<string, { readonly active: string; readonly keys: readonly { readonly id: string }[] }>
  >;
}

/**
 * Takes a key out of the text of a key file; everything else in it stays as it is.
 *
 * @param domain Only where the id occurs in more than one.
 * @throws {CliError} CLI_USAGE for a file that cannot be used, a key that is not in it, and an active key
 */
export function retireKey(text: string, keyId: string, domain?: string): Retirement {
  const { domains } = parse(text);
  const holders = Object.entries(domains).filter(([, { keys }]) => keys.some(({ id }) => id === keyId));
  const names = holders.map(([name]) => name);
  const wanted = domain ?? (names.length === 1 ? names[0] : undefined);
  if (wanted === undefined || !names.includes(wanted))
    throw usage(
      names.length === 0 || domain !== undefined
        ? `the key file has no key ${keyId}${domain === undefined ? '' : ` in the domain ${domain}`}`
        : `the key ${keyId} is in the domains ${names.join(', ')}; use --domain`,
    );
  const rest = Object.entries(domains).map(([name, keys]) => {
    if (name !== wanted) return [name, keys] as const;
    if (keys.active === keyId)
      throw usage(
        `the key ${keyId} is the active one of the domain ${wanted}; make another one active in every process first`,
      );
    return [name, { ...keys, keys: keys.keys.filter(({ id }) => id !== keyId) }] as const;
  });
  const next = `${JSON.stringify({ domains: Object.fromEntries(rest) }, null, 2)}\n`;
  parse(next);
  return { domain: wanted, keyId, text: next };
}

function parse(text: string): KeyFileJson {
  try {
    parseDomainKeys(text);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what parseDomainKeys accepts has this shape
    return JSON.parse(text) as KeyFileJson;
  } catch (error) {
    // Its messages name places, never keys.
    throw new CliError(
      'CLI_USAGE',
      `--keys: ${error instanceof Error ? error.message : 'the file cannot be used'}`,
      {
        cause: error,
      },
    );
  }
}

function usage(message: string): CliError {
  return new CliError('CLI_USAGE', message);
}
