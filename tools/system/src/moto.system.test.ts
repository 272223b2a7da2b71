import { createAwsKmsSource } from '@heliograph/codec/aws-kms';
import { createS3Store } from '@heliograph/codec/claims/s3';
import { kmsKey, startKmsDouble, startS3Double, type KmsDouble, type S3Double } from '@heliograph/simulators';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkSignatures, startMoto, type Moto } from './start-moto.ts';

/**
 * The doubles of AWS that the tests of `codec` run against, beside moto, which others wrote: the same requests of the same
 * code have to have the same outcomes, refusals included.
 */
const REGION = 'eu-central-1';
const BUCKET = 'heliograph-claims';
const BINDING = { namespace: 'prod', domain: 'dispatch' };

type Outcome = unknown;
type Variables = Readonly<Record<string, string>>;

let moto: Moto;
let kms: KmsDouble;
let s3: S3Double;
const keys: { arn: string; alias: string; otherArn: string; disabledArn: string } = {
  arn: '',
  alias: 'alias/heliograph',
  otherArn: '',
  disabledArn: '',
};
const environment = { ...process.env };

beforeAll(async () => {
  moto = await startMoto(REGION, BUCKET);
  const create = async (): Promise<string> => {
    const created = await moto.kms('CreateKey', {});
    return String(Reflect.get(Object(Reflect.get(Object(created), 'KeyMetadata')), 'Arn'));
  };
  keys.arn = await create();
  keys.otherArn = await create();
  keys.disabledArn = await create();
  await moto.kms('CreateAlias', { AliasName: keys.alias, TargetKeyId: keys.arn });
  // moto takes no ARN here.
  await moto.kms('DisableKey', { KeyId: keys.disabledArn.split('/')[1] });
  await checkSignatures(moto);
  kms = await startKmsDouble(REGION, moto.credentials);
  kms.keys.push(kmsKey(keys.arn, keys.alias), kmsKey(keys.otherArn), kmsKey(keys.disabledArn));
  const disabled = kms.keys.at(-1);
  if (disabled !== undefined) disabled.state = 'Disabled';
  s3 = await startS3Double({ region: REGION, bucket: BUCKET }, moto.credentials);
}, 400_000);
afterAll(async () => {
  process.env = environment;
  await moto.stop();
  await kms.close();
  await s3.close();
});

/** Runs with the credentials of the user, and nothing of the machine's own. */
async function withCredentials<T>(variables: Variables, run: () => Promise<T>): Promise<T> {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, {
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_ACCESS_KEY_ID: moto.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: moto.credentials.secretAccessKey,
    ...variables,
  });
  return run();
}
/** The outcome of a request: its result, or the code and the name of the error. */
const outcomeOf = (request: () => Promise<unknown>): Promise<Outcome> =>
  Promise.resolve()
    .then(request)
    .catch((error: unknown) => ({
      code: Reflect.get(Object(error), 'code'),
      name: /\((\w+)\)\.$/.exec(String(error))?.[1],
    }));
const within = () => AbortSignal.timeout(20_000);

type KmsSource = Awaited<ReturnType<typeof createAwsKmsSource>>;
/** Sources of both keys of one service. */
interface KmsSide {
  readonly own: KmsSource;
  readonly other: KmsSource;
  readonly sourceOf: (keyId: string) => Promise<KmsSource>;
}

describe('KMS', () => {
  const sideOf = async (endpoint: string): Promise<KmsSide> => {
    const sourceOf = (keyId: string) => createAwsKmsSource({ id: 'kms', keyId, region: REGION, endpoint });
    return { own: await sourceOf(keys.arn), other: await sourceOf(keys.otherArn), sourceOf };
  };
  const changed = (wrapped: Uint8Array, at: number): Uint8Array =>
    Uint8Array.from(wrapped, (byte, index) => (index === at ? byte ^ 1 : byte));
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const isSame = (one: Uint8Array, other: Uint8Array): boolean => hex(one) === hex(other);

  // The last column is where moto differs from what AWS documents; the double follows AWS.
  test.each<[string, Variables, (side: KmsSide) => Promise<Outcome>, Outcome, Outcome?]>([
    [
      'a data key comes back',
      {},
      async ({ own }) => {
        const { plaintext, wrapped } = await own.generateDataKey(BINDING, within());
        return [plaintext.length, isSame(plaintext, await own.unwrapDataKey(wrapped, BINDING, within()))];
      },
      [32, true],
    ],
    [
      'two data keys differ',
      {},
      async ({ own }) => {
        const [one, two] = [
          await own.generateDataKey(BINDING, within()),
          await own.generateDataKey(BINDING, within()),
        ];
        return [isSame(one.plaintext, two.plaintext), isSame(one.wrapped, two.wrapped)];
      },
      [false, false],
    ],
    [
      'a key has an id and an alias',
      {},
      async ({ own, sourceOf }) => {
        const { plaintext, wrapped } = await own.generateDataKey(BINDING, within());
        const names = [keys.arn.split('/')[1] ?? '', keys.alias];
        const sources = await Promise.all(names.map(sourceOf));
        const opened = sources.map((source) => source.unwrapDataKey(wrapped, BINDING, within()));
        return (await Promise.all(opened)).map((key) => isSame(key, plaintext));
      },
      [true, true],
    ],
    [
      'a data key that was made elsewhere is wrapped',
      {},
      async ({ own }) => {
        const plaintext = Uint8Array.from({ length: 32 }, (_, index) => index);
        const wrapped = (await own.wrapDataKey?.(plaintext, BINDING, within())) ?? new Uint8Array();
        return isSame(await own.unwrapDataKey(wrapped, BINDING, within()), plaintext);
      },
      true,
    ],
    [
      'a data key is wrapped anew by another key, and the first no longer opens it',
      {},
      async ({ own, other }) => {
        const { plaintext, wrapped } = await own.generateDataKey(BINDING, within());
        const again = (await other.rewrapDataKey?.(wrapped, own, BINDING, within())) ?? new Uint8Array();
        return [
          isSame(await other.unwrapDataKey(again, BINDING, within()), plaintext),
          await outcomeOf(() => own.unwrapDataKey(again, BINDING, within())),
        ];
      },
      [true, { code: 'CODEC_KEY_REFUSED', name: 'IncorrectKeyException' }],
      [true, { code: 'CODEC_KEY_REFUSED', name: 'AccessDeniedException' }],
    ],
    [
      'another namespace is refused',
      {},
      async ({ own }) => {
        const { wrapped } = await own.generateDataKey(BINDING, within());
        return own.unwrapDataKey(wrapped, { ...BINDING, namespace: 'test' }, within());
      },
      { code: 'CODEC_KEY_REFUSED', name: 'InvalidCiphertextException' },
    ],
    [
      'another domain is refused',
      {},
      async ({ own }) => {
        const { wrapped } = await own.generateDataKey(BINDING, within());
        return own.unwrapDataKey(wrapped, { ...BINDING, domain: 'health' }, within());
      },
      { code: 'CODEC_KEY_REFUSED', name: 'InvalidCiphertextException' },
    ],
    [
      'another key is refused',
      {},
      async ({ own, other }) =>
        own.unwrapDataKey((await other.generateDataKey(BINDING, within())).wrapped, BINDING, within()),
      { code: 'CODEC_KEY_REFUSED', name: 'IncorrectKeyException' },
      { code: 'CODEC_KEY_REFUSED', name: 'AccessDeniedException' },
    ],
    [
      'a data key in which the last byte was changed is refused',
      {},
      async ({ own }) => {
        const { wrapped } = await own.generateDataKey(BINDING, within());
        return own.unwrapDataKey(changed(wrapped, wrapped.length - 1), BINDING, within());
      },
      { code: 'CODEC_KEY_REFUSED', name: 'InvalidCiphertextException' },
    ],
    [
      'bytes that nobody wrapped are refused',
      {},
      ({ own }) => own.unwrapDataKey(new Uint8Array(200).fill(7), BINDING, within()),
      { code: 'CODEC_KEY_REFUSED', name: 'InvalidCiphertextException' },
      { code: 'CODEC_KEY_REFUSED', name: 'AccessDeniedException' },
    ],
    [
      'a key that does not exist is refused',
      {},
      async ({ sourceOf }) => {
        const missing = keys.arn.replace(/[^/]+$/, '00000000-0000-0000-0000-000000000000');
        return (await sourceOf(missing)).generateDataKey(BINDING, within());
      },
      { code: 'CODEC_KEY_REFUSED', name: 'NotFoundException' },
    ],
    [
      'an alias that does not exist is refused',
      {},
      async ({ sourceOf }) => (await sourceOf('alias/none')).generateDataKey(BINDING, within()),
      { code: 'CODEC_KEY_REFUSED', name: 'NotFoundException' },
    ],
    [
      'a disabled key is refused',
      {},
      async ({ sourceOf }) => {
        await (await sourceOf(keys.disabledArn)).generateDataKey(BINDING, within());
        return 'made';
      },
      { code: 'CODEC_KEY_REFUSED', name: 'DisabledException' },
      // It knows the state of a key, and does not ask for it.
      'made',
    ],
    [
      'a wrong secret is refused, and may be right later',
      { AWS_SECRET_ACCESS_KEY: 'hunter2' },
      ({ own }) => own.generateDataKey(BINDING, within()),
      { code: 'CODEC_KEY_UNAVAILABLE', name: 'InvalidSignatureException' },
      // It answers in XML, which KMS does not speak.
      { code: 'CODEC_KEY_UNAVAILABLE', name: 'SyntaxError' },
    ],
    [
      'an unknown access key is refused, and may be known later',
      { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE' },
      ({ own }) => own.generateDataKey(BINDING, within()),
      { code: 'CODEC_KEY_UNAVAILABLE', name: 'UnrecognizedClientException' },
      // It answers in XML, which KMS does not speak.
      { code: 'CODEC_KEY_UNAVAILABLE', name: 'SyntaxError' },
    ],
  ])('%s', async (_, variables, request, expected, ofMoto = expected) => {
    const outcomes: Outcome[] = [];
    for (const address of [kms.address, moto.address])
      outcomes.push(
        await withCredentials(variables, async () => {
          const side = await sideOf(address);
          return outcomeOf(() => request(side));
        }),
      );
    expect({ double: outcomes[0], moto: outcomes[1] }).toEqual({ double: expected, moto: ofMoto });
  });
});

type Store = Awaited<ReturnType<typeof createS3Store>>;

describe('S3', () => {
  const nameOf = (number: number): string =>
    `c1-${number.toString(16).padStart(2, '0')}${'ab'.repeat(31)}.${number.toString(16).padStart(16, '0')}`;
  const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
  const textOf = async (store: Store, name: string): Promise<string | null> => {
    const found = await store.get(name, 1_000_000, within());
    return found === null ? null : Buffer.from(found.bytes).toString();
  };
  let prefixes = 0;

  test.each<[string, Variables, object, (store: Store) => Promise<Outcome>, Outcome]>([
    [
      'the first bytes of a name are kept',
      {},
      {},
      async (store) => [
        await store.put(nameOf(1), bytesOf('one'), within()),
        await store.put(nameOf(1), bytesOf('two'), within()),
        await textOf(store, nameOf(1)),
      ],
      [true, false, 'one'],
    ],
    [
      'of many that are put at once one is kept',
      {},
      {},
      async (store) => {
        const texts = Array.from({ length: 8 }, (_, index) => `body ${index}`);
        const kept = await Promise.all(texts.map((text) => store.put(nameOf(1), bytesOf(text), within())));
        const winner = texts[kept.indexOf(true)];
        return [kept.filter(Boolean).length, (await textOf(store, nameOf(1))) === winner];
      },
      [1, true],
    ],
    [
      'bytes come back as they were',
      {},
      {},
      async (store) => {
        const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) % 256);
        await store.put(nameOf(1), bytes, within());
        const found = await store.get(nameOf(1), 300_000, within());
        return Buffer.from(found?.bytes ?? []).equals(bytes);
      },
      true,
    ],
    [
      'no bytes are an object, too',
      {},
      {},
      async (store) => [
        await store.put(nameOf(1), new Uint8Array(), within()),
        await textOf(store, nameOf(1)),
      ],
      [true, ''],
    ],
    ['an object that is missing is null', {}, {}, (store) => store.get(nameOf(1), 9, within()), null],
    [
      'an object above the limit is not read',
      {},
      {},
      async (store) => {
        await store.put(nameOf(1), new Uint8Array(1000), within());
        return store.get(nameOf(1), 999, within());
      },
      { code: 'CODEC_TOO_LARGE', name: undefined },
    ],
    [
      'only the version that was read is replaced',
      {},
      {},
      async (store) => {
        await store.put(nameOf(1), bytesOf('one'), within());
        const version = (await store.get(nameOf(1), 9, within()))?.version ?? '';
        return [
          await store.replace(nameOf(1), { bytes: bytesOf('two'), version }, within()),
          await store.replace(nameOf(1), { bytes: bytesOf('three'), version }, within()),
          await textOf(store, nameOf(1)),
        ];
      },
      [true, false, 'two'],
    ],
    [
      'what is missing is not replaced, nor made',
      {},
      {},
      async (store) => {
        await store.put(nameOf(1), bytesOf('one'), within());
        const version = (await store.get(nameOf(1), 9, within()))?.version ?? '';
        return [
          await store.replace(nameOf(2), { bytes: bytesOf('x'), version }, within()),
          await textOf(store, nameOf(2)),
        ];
      },
      [false, null],
    ],
    [
      'what is deleted is gone, and its name is free; deleting what is missing is no error',
      {},
      {},
      async (store) => {
        await store.put(nameOf(1), bytesOf('one'), within());
        await store.remove(nameOf(1), within());
        await store.remove(nameOf(1), within());
        return [await textOf(store, nameOf(1)), await store.put(nameOf(1), bytesOf('two'), within())];
      },
      [null, true],
    ],
    [
      'names are listed in order, page by page',
      {},
      {},
      async (store) => {
        for (const number of [5, 3, 200, 1]) await store.put(nameOf(number), bytesOf('x'), within());
        const first = await store.list({ after: null, limit: 3 }, within());
        return [first, await store.list({ after: first.at(-1) ?? null, limit: 3 }, within())];
      },
      [[nameOf(1), nameOf(3), nameOf(5)], [nameOf(200)]],
    ],
    [
      'a prefix without objects lists none',
      {},
      {},
      (store) => store.list({ after: null, limit: 3 }, within()),
      [],
    ],
    ...(
      [
        ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'hunter2' }, {}, 'SignatureDoesNotMatch'],
        ['an unknown access key', { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE' }, {}, 'InvalidAccessKeyId'],
        ['a bucket that does not exist', {}, { bucket: 'theirs' }, 'NoSuchBucket'],
      ] as const
    ).map(
      ([what, variables, options, name]) =>
        [
          `${what} is refused for each request`,
          variables,
          options,
          (store: Store) =>
            Promise.all([
              outcomeOf(() => store.put(nameOf(1), bytesOf('x'), within())),
              outcomeOf(() => store.get(nameOf(1), 9, within())),
              outcomeOf(() => store.remove(nameOf(1), within())),
              outcomeOf(() => store.list({ after: null, limit: 9 }, within())),
            ]),
          Array.from({ length: 4 }, () => ({ code: 'CODEC_CLAIMS_UNAVAILABLE', name })),
        ] satisfies [string, Variables, object, (store: Store) => Promise<Outcome>, Outcome],
    ),
  ])('%s', async (_, variables, options, request, expected) => {
    const outcomes: Outcome[] = [];
    const prefix = `case-${prefixes++}/`;
    for (const endpoint of [s3.address, moto.address])
      outcomes.push(
        await withCredentials(variables, async () => {
          const store = await createS3Store({ bucket: BUCKET, prefix, region: REGION, endpoint, ...options });
          return outcomeOf(() => request(store));
        }),
      );
    expect({ double: outcomes[0], moto: outcomes[1] }).toEqual({ double: expected, moto: expected });
  });
});
