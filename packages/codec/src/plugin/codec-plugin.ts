import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { DataConverter, ExternalStorage, PayloadCodec } from '@temporalio/common';
import type { ClaimCheck } from '../claims/claim-check.ts';
import { assertOption } from '../contract/assert-option.ts';
import { CodecError } from '../contract/errors.ts';
import { encodesFailures } from './encodes-failures.ts';

interface WithConverter {
  readonly dataConverter?: DataConverter | undefined;
}
/** A bundle as workers of the SDK take it: its code, or the file that holds it. */
type Bundle = { readonly code: string } | { readonly codePath: string };
interface WithBundle extends WithConverter {
  readonly workflowBundle?: Bundle | undefined;
}

/** A plugin of the Temporal SDK, for clients, workers, replays and bundles alike. */
export interface CodecPlugin {
  readonly name: string;
  configureClient<T extends WithConverter>(options: T): T;
  /** @throws CodecError CODEC_BUNDLE_UNFIT for a bundle that would store failures in clear. */
  configureWorker<T extends WithBundle>(options: T): Promise<T>;
  /** @throws CodecError CODEC_BUNDLE_UNFIT */
  configureReplayWorker<T extends WithBundle>(options: T): Promise<T>;
  configureBundler<T extends { readonly failureConverterPath?: string | undefined }>(options: T): T;
}

/** A codec that only decodes says so, and one with a claim check brings it along; see `createCodec`. */
interface PluginCodec extends PayloadCodec {
  readonly isDecodeOnly?: boolean;
  readonly claims?: ClaimCheck | null;
  readonly forReplay?: PayloadCodec;
}

/** The path of the failure converter that goes with the codecs. */
export const FAILURE_CONVERTER_PATH = fileURLToPath(
  new URL(`../workflows/failure-converter${import.meta.url.slice(-3)}`, import.meta.url),
);

/**
 * Makes everything that it is given to encode with a codec: payloads by the codec, and failures by the failure converter of
 * this package. Pass it in `plugins` of the client, the worker, the replay and `bundleWorkflowCode`; a worker whose bundle
 * stores failures in clear, as it does if it was built without, does not start. Given twice, for example to a connection and to its client, it encodes once. Each of
 * its functions throws CODEC_OPTIONS_INVALID beside a failure converter of your own. A codec with a claim check brings its
 * external storage with it; beside another one, they throw as well.
 *
 * @throws CodecError CODEC_OPTIONS_INVALID for a codec that only decodes.
 */
export function createCodecPlugin(codec: PluginCodec): CodecPlugin {
  assertOption(codec.isDecodeOnly !== true, 'codec', 'one that encodes; this one only decodes');
  const { claims = null, forReplay = codec } = codec;
  const configure = <T extends WithConverter>(options: T, coding: PayloadCodec = codec): T => {
    const { payloadCodecs = [], failureConverterPath, externalStorage } = options.dataConverter ?? {};
    assertSameConverter(failureConverterPath);
    assertSameStorage(externalStorage, claims?.externalStorage);
    return {
      ...options,
      dataConverter: {
        ...options.dataConverter,
        failureConverterPath: FAILURE_CONVERTER_PATH,
        // What others encode is encoded before it is encrypted. A connection's plugins apply to its clients too.
        payloadCodecs: payloadCodecs.includes(coding) ? payloadCodecs : [...payloadCodecs, coding],
        ...(claims === null ? {} : { externalStorage: claims.externalStorage }),
      },
    };
  };
  const configureWithBundle = async <T extends WithBundle>(options: T, coding: PayloadCodec): Promise<T> => {
    if (options.workflowBundle !== undefined) await assertFailuresAreEncoded(options.workflowBundle);
    return configure(options, coding);
  };
  return {
    name: 'heliograph-codec',
    configureClient: (options) => configure(options),
    configureWorker: (options) => configureWithBundle(options, codec),
    // What a replay encodes is thrown away.
    configureReplayWorker: (options) => configureWithBundle(options, forReplay),
    configureBundler(options) {
      assertSameConverter(options.failureConverterPath);
      return { ...options, failureConverterPath: FAILURE_CONVERTER_PATH };
    },
  };
}

/** Another one would be replaced without a word, or store failures in clear. */
function assertSameConverter(path: string | undefined): void {
  assertOption(
    path === undefined || path === FAILURE_CONVERTER_PATH,
    'failureConverterPath',
    'left out beside the codec plugin, which sets its own',
  );
}

/** Another one would be replaced, or store in clear what the codec does not encode. */
function assertSameStorage(given: ExternalStorage | undefined, ours: ExternalStorage | undefined): void {
  assertOption(
    ours === undefined || given === undefined || given === ours,
    'externalStorage',
    'left out beside the codec plugin, which brings that of its claim check',
  );
}

async function assertFailuresAreEncoded(bundle: Bundle): Promise<void> {
  const code = 'code' in bundle ? bundle.code : await readFile(bundle.codePath, 'utf8');
  if (encodesFailures(code)) return;
  throw new CodecError(
    'CODEC_BUNDLE_UNFIT',
    'Workflows of this bundle store messages and stack traces of failures in clear, or it does not run with this release of the SDK. Build it with the codec plugin.',
  );
}
