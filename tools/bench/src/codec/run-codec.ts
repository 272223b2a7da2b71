import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createCodec, createEncryptionCodec, createKey, createKeyRing } from '@heliograph/codec/codecs';
import { median, rounded } from '../statistics.ts';

/** How encryption of payloads of one size compares with bare AES-256-GCM. */
export interface SizeReport {
  readonly bytes: number;
  /** Throughput of the codec ÷ that of bare AES-256-GCM, the median over rounds. */
  readonly ratioToRaw: number;
  /** What the codec takes on top, in microseconds, the median over rounds. */
  readonly overRawUs: number;
  readonly rawUs: { readonly median: number; readonly min: number; readonly max: number };
  readonly codecUs: { readonly median: number; readonly min: number; readonly max: number };
}

/** The figures of `bench codec`. */
export interface CodecReport {
  readonly name: 'codec';
  readonly encryption: readonly SizeReport[];
  /** JSON of 64 KiB, compressed and encrypted. */
  readonly compressed: { readonly us: number; readonly shareOfBytes: number };
}

const SIZES = [256, 4096, 65_536, 1_048_576];
/** Rounds A-B-B-A, short ones: what else the machine does then hits both sides of a round, or one round of many. */
const ROUNDS = 31;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Measures encryption against bare AES-256-GCM of `node:crypto`, in turns in one process. */
export async function runCodec({ quick }: { readonly quick: boolean }): Promise<CodecReport> {
  const bytes = randomBytes(32);
  const keys = createKeyRing({ bench: { active: createKey('k1', bytes), others: [] } });
  const options = { keys, namespace: 'default', domain: 'bench' };
  const codec = createEncryptionCodec(options);
  const key = createSecretKey(bytes);
  const bare = (data: Uint8Array): Uint8Array => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    return Buffer.concat([nonce, cipher.update(data), cipher.final(), cipher.getAuthTag()]);
  };
  const encryption: SizeReport[] = [];
  for (const size of SIZES) {
    const data = randomBytes(size);
    const payload = { metadata: { encoding: Buffer.from('json/plain') }, data };
    const repeats = Math.max(20, Math.ceil((quick ? 2e6 : 16e6) / (size + 4000)));
    encryption.push(
      await compare(size, repeats, {
        raw: () => void bare(data),
        codec: () => codec.encode([payload]),
      }),
    );
  }
  const rows = Array.from({ length: 700 }, (_, at) => ({
    id: `contact-${at}`,
    state: 'filled',
    credits: at % 7,
  }));
  const json = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(rows)) };
  const whole = createCodec(options);
  const [small] = await whole.encode([json]);
  const us = await timeEach(quick ? 50 : 500, () => whole.encode([json]));
  return {
    name: 'codec',
    encryption,
    compressed: {
      us: rounded(us, 1),
      shareOfBytes: rounded((small?.data?.length ?? Number.NaN) / json.data.length, 3),
    },
  };
}

async function compare(
  bytes: number,
  repeats: number,
  run: { readonly raw: () => void; readonly codec: () => Promise<unknown> },
): Promise<SizeReport> {
  const raw: number[] = [];
  const codec: number[] = [];
  const ratios: number[] = [];
  const differences: number[] = [];
  await timeEach(repeats, run.raw);
  await timeEach(repeats, run.codec);
  for (let round = 0; round < ROUNDS; round++) {
    const before = await timeEach(repeats, run.raw);
    const ours = [await timeEach(repeats, run.codec), await timeEach(repeats, run.codec)];
    const theirs = [before, await timeEach(repeats, run.raw)];
    raw.push(...theirs);
    codec.push(...ours);
    ratios.push(sum(theirs) / sum(ours));
    differences.push((sum(ours) - sum(theirs)) / 2);
  }
  return {
    bytes,
    ratioToRaw: rounded(median(ratios), 3),
    overRawUs: rounded(median(differences), 2),
    rawUs: figuresOf(raw),
    codecUs: figuresOf(codec),
  };
}

/** Microseconds that one call takes, on average over so many; without the garbage of whatever ran before. */
async function timeEach(repeats: number, run: () => unknown): Promise<number> {
  collectGarbage();
  const startedAt = performance.now();
  for (let time = 0; time < repeats; time++) await run();
  return ((performance.now() - startedAt) / repeats) * 1000;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function figuresOf(values: readonly number[]) {
  return {
    median: rounded(median(values), 2),
    min: rounded(Math.min(...values), 2),
    max: rounded(Math.max(...values), 2),
  };
}
