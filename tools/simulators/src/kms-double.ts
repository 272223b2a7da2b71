import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type HttpDouble, startHttpDouble, type WireAnswer, type WireRequest } from './http-double.ts';
import { type Credentials, sigV4Problem } from './verify-sigv4.ts';

/** A key of the double. */
export interface KmsKey {
  readonly arn: string;
  /** `alias/…` of it, if it has one. */
  readonly alias?: string;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  /** A key policy: whether it may be used with an encryption context. */
  allows: (operation: string, context: Readonly<Record<string, string>>) => boolean;
  readonly material: Buffer;
}

/** AWS KMS on this machine. */
export interface KmsDouble extends HttpDouble {
  readonly keys: KmsKey[];
  /** The clock of the service, in milliseconds since 1970. */
  clock: () => number;
}

/** Creates an enabled key with material of its own. */
export function kmsKey(arn: string, alias?: string): KmsKey {
  return {
    arn,
    ...(alias === undefined ? {} : { alias }),
    state: 'Enabled',
    allows: () => true,
    material: randomBytes(32),
  };
}

/**
 * Starts a double of AWS KMS: GenerateDataKey, Encrypt, Decrypt and ReEncrypt in AWS JSON 1.1, for requests that are signed with the
 * credentials, refusing what the service refuses, with its error names. `tools/system` compares it with moto.
 */
export async function startKmsDouble(region: string, credentials: Credentials): Promise<KmsDouble> {
  const keys: KmsKey[] = [];
  const respond = (request: WireRequest): WireAnswer => {
    const problem = sigV4Problem(request, credentials, { region, service: 'kms', now: double.clock() });
    if (problem !== null) return refuseAsKms(problem);
    if (request.method !== 'POST' || request.url !== '/') return refuseAsKms('UnknownOperationException');
    if (request.headers['content-type'] !== 'application/x-amz-json-1.1')
      return refuseAsKms('SerializationException');
    const body: KmsRequest = JSON.parse(request.body);
    switch (String(request.headers['x-amz-target'])) {
      case 'TrentService.GenerateDataKey':
        return generateDataKey(keys, body);
      case 'TrentService.Decrypt':
        return decrypt(keys, body);
      case 'TrentService.Encrypt':
        return encrypt(keys, body);
      case 'TrentService.ReEncrypt':
        return reEncrypt(keys, body);
      default:
        return refuseAsKms('UnknownOperationException');
    }
  };
  const double: KmsDouble = Object.assign(await startHttpDouble(respond), { keys, clock: () => Date.now() });
  return double;
}

interface KmsRequest {
  readonly KeyId?: string;
  readonly KeySpec?: string;
  readonly CiphertextBlob?: string;
  readonly Plaintext?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
  readonly SourceKeyId?: string;
  readonly SourceEncryptionContext?: Readonly<Record<string, string>>;
  readonly DestinationKeyId?: string;
  readonly DestinationEncryptionContext?: Readonly<Record<string, string>>;
}

function generateDataKey(keys: readonly KmsKey[], request: KmsRequest): WireAnswer {
  const { KeyId = '', KeySpec, EncryptionContext = {} } = request;
  const key = findKey(keys, KeyId);
  if (key === undefined) return refuseAsKms('NotFoundException');
  const problem = problemOf(key, 'GenerateDataKey', EncryptionContext);
  if (problem !== null) return refuseAsKms(problem);
  if (KeySpec !== 'AES_256') return refuseAsKms('ValidationException');
  const plaintext = randomBytes(32);
  return answer({
    CiphertextBlob: sealWith(key, plaintext, EncryptionContext),
    Plaintext: plaintext.toString('base64'),
    KeyId: key.arn,
  });
}

/** A ciphertext of KMS names its key. */
function sealWith(key: KmsKey, plaintext: Buffer, context: Readonly<Record<string, string>>): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key.material, iv);
  cipher.setAAD(contextBytes(context));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const arn = Buffer.from(key.arn);
  return Buffer.concat([Buffer.of(1, arn.length), arn, iv, sealed, cipher.getAuthTag()]).toString('base64');
}

function encrypt(keys: readonly KmsKey[], request: KmsRequest, operation = 'Encrypt'): WireAnswer {
  const { KeyId = '', Plaintext = '', EncryptionContext = {} } = request;
  const key = findKey(keys, KeyId);
  if (key === undefined) return refuseAsKms('NotFoundException');
  const problem = problemOf(key, operation, EncryptionContext);
  if (problem !== null) return refuseAsKms(problem);
  const plaintext = Buffer.from(Plaintext, 'base64');
  if (plaintext.length === 0 || plaintext.length > 4096) return refuseAsKms('ValidationException');
  return answer({ CiphertextBlob: sealWith(key, plaintext, EncryptionContext), KeyId: key.arn });
}

function reEncrypt(keys: readonly KmsKey[], request: KmsRequest): WireAnswer {
  const { SourceKeyId, SourceEncryptionContext = {}, DestinationKeyId = '', CiphertextBlob = '' } = request;
  const { DestinationEncryptionContext = {} } = request;
  const opened = decrypt(
    keys,
    {
      ...(SourceKeyId === undefined ? {} : { KeyId: SourceKeyId }),
      CiphertextBlob,
      EncryptionContext: SourceEncryptionContext,
    },
    'ReEncryptFrom',
  );
  if (opened.status !== 200) return opened;
  const { Plaintext, KeyId }: { Plaintext: string; KeyId: string } = JSON.parse(opened.body);
  const sealed = encrypt(
    keys,
    { KeyId: DestinationKeyId, Plaintext, EncryptionContext: DestinationEncryptionContext },
    'ReEncryptTo',
  );
  if (sealed.status !== 200) return sealed;
  return answer({ ...JSON.parse(sealed.body), SourceKeyId: KeyId });
}

function decrypt(keys: readonly KmsKey[], request: KmsRequest, operation = 'Decrypt'): WireAnswer {
  const { KeyId, CiphertextBlob = '', EncryptionContext = {} } = request;
  const blob = Buffer.from(CiphertextBlob, 'base64');
  if (blob.length === 0 || blob.length > 6144) return refuseAsKms('ValidationException');
  const length = blob[1] ?? 0;
  const key = blob[0] === 1 ? findKey(keys, blob.subarray(2, 2 + length).toString()) : undefined;
  if (key === undefined) return refuseAsKms('InvalidCiphertextException');
  if (KeyId !== undefined) {
    const named = findKey(keys, KeyId);
    if (named === undefined) return refuseAsKms('NotFoundException');
    if (named !== key) return refuseAsKms('IncorrectKeyException');
  }
  const problem = problemOf(key, operation, EncryptionContext);
  if (problem !== null) return refuseAsKms(problem);
  const rest = blob.subarray(2 + length);
  if (rest.length < 28) return refuseAsKms('InvalidCiphertextException');
  const decipher = createDecipheriv('aes-256-gcm', key.material, rest.subarray(0, 12));
  decipher.setAAD(contextBytes(EncryptionContext));
  decipher.setAuthTag(rest.subarray(-16));
  try {
    const plaintext = Buffer.concat([decipher.update(rest.subarray(12, -16)), decipher.final()]);
    return answer({ KeyId: key.arn, Plaintext: plaintext.toString('base64') });
  } catch {
    return refuseAsKms('InvalidCiphertextException');
  }
}

function findKey(keys: readonly KmsKey[], name: string): KmsKey | undefined {
  return keys.find(({ arn, alias }) => name === arn || name === arn.split('/')[1] || name === alias);
}

function problemOf(
  { state, allows }: KmsKey,
  operation: string,
  context: Readonly<Record<string, string>>,
): string | null {
  if (!allows(operation, context)) return 'AccessDeniedException';
  if (state === 'Disabled') return 'DisabledException';
  return state === 'PendingDeletion' ? 'KMSInvalidStateException' : null;
}

/** The order of an encryption context does not matter. */
function contextBytes(context: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(
    JSON.stringify(Object.entries(context).toSorted(([one], [other]) => (one < other ? -1 : 1))),
  );
}

function answer(body: object): WireAnswer {
  return {
    status: 200,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/x-amz-json-1.1' },
  };
}

/** An error of AWS; its text names an account, as real ones do. */
export function refuseAsKms(type: string, status = 400): WireAnswer {
  return {
    status,
    body: JSON.stringify({ __type: type, message: 'User: arn:aws:iam::111122223333:user/eve' }),
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'f00d' },
  };
}
