import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { type Clock, systemClock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { type Followed, follow } from './follow.ts';

/** A certificate and its key, in PEM files that may be replaced at any time. */
export interface TlsFiles {
  /** The certificate, followed by those of its chain. */
  readonly certFile: string;
  readonly keyFile: string;
  /** How often the files are read, in milliseconds; default 5,000. */
  readonly intervalMs?: number;
  /** Receives that another pair is in use, and until when its certificate is valid. */
  readonly onChange?: (validUntil: Date) => void;
  /** Receives why a pair cannot be used: that of before stays in use. Once until it changes. */
  readonly onProblem?: (error: unknown) => void;
  readonly clock?: Pick<Clock, 'now'>;
}

/** What a certificate and its key are in PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  readonly validFrom: Date;
  readonly validUntil: Date;
}

/**
 * Reads a pair and follows its files. A pair of which only one file was replaced so far does not match, and is looked at
 * again. A replaced certificate that has expired, or is not yet valid, is put in use only where that of before is no better;
 * at the start, what is there is used.
 *
 * @throws ServiceError SERVICE_TLS_INVALID, naming the file.
 */
export function followTlsFiles(files: TlsFiles, apply: (pair: TlsPair) => void): Promise<Followed<TlsPair>> {
  const { intervalMs, onProblem, clock = systemClock } = files;
  return follow({
    read: () => readPair(files),
    isSame: (before, now) => before.cert === now.cert && before.key === now.key,
    onChange: (pair, before) => {
      const problem = findProblem(before, pair, clock.now());
      if (problem !== null) throw invalid(`the certificate in ${files.certFile} ${problem}`);
      apply(pair);
      files.onChange?.(pair.validUntil);
    },
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(onProblem === undefined ? {} : { onProblem }),
  });
}

/** Why a certificate must not replace one that is good at this moment; null if it may. */
function findProblem(before: TlsPair, next: TlsPair, now: number): string | null {
  const isTooOld = ({ validUntil }: TlsPair): boolean => validUntil.getTime() <= now;
  const isTooNew = ({ validFrom }: TlsPair): boolean => validFrom.getTime() > now;
  if (isTooOld(before) || isTooNew(before)) return null;
  if (isTooOld(next)) return `has expired, on ${next.validUntil.toISOString()}`;
  return isTooNew(next) ? `is not valid before ${next.validFrom.toISOString()}` : null;
}

async function readPair({ certFile, keyFile }: TlsFiles): Promise<TlsPair> {
  const [cert, key] = await Promise.all([readPem(certFile), readPem(keyFile)]);
  const certificate = parse(`the certificate in ${certFile}`, () => new X509Certificate(cert));
  const privateKey = parse(`the key in ${keyFile}`, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw invalid(`the key in ${keyFile} is not that of the certificate in ${certFile}`);
  parse(`the pair in ${certFile} and ${keyFile}`, () => createSecureContext({ cert, key }));
  return {
    cert,
    key,
    validFrom: new Date(certificate.validFrom),
    validUntil: new Date(certificate.validTo),
  };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw invalid(`${file} cannot be read (${String(Reflect.get(Object(error), 'code') ?? 'unknown')})`);
  }
}

/** What OpenSSL says about a key is left out. */
function parse<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch {
    throw invalid(`${what} cannot be used: expected PEM`);
  }
}

function invalid(problem: string): ServiceError {
  return new ServiceError('SERVICE_TLS_INVALID', `TLS: ${problem}`);
}
