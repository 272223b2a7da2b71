import { describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { createClaimCheck } from '../claims/claim-check.ts';
import { createCodec } from '../codecs/create-codec.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { createCodecPlugin, FAILURE_CONVERTER_PATH } from './codec-plugin.ts';

const keys = createKeyRing({ test: { active: createKey('k1', Buffer.alloc(32, 5)), others: [] } });
const codec = createCodec({ keys, namespace: 'prod', domain: 'test' });
const plugin = createCodecPlugin(codec);
const connect = (plugins: (typeof plugin)[]) => Connection.lazy({ address: 'localhost:1', plugins });
const codecsOf = (client: Client) => client.options.loadedDataConverter.payloadCodecs;

describe('a payload is encoded once', () => {
  test('by a plugin of the connection and of its client', () => {
    expect(codecsOf(new Client({ connection: connect([plugin]), plugins: [plugin] }))).toEqual([codec]);
  });

  test('by a plugin that is applied to the same options again', () => {
    const options = { connection: connect([plugin]) };
    expect(codecsOf(new Client(options))).toEqual([codec]);
    expect(codecsOf(new Client(options))).toEqual([codec]);
    const once = plugin.configureClient({});
    expect(plugin.configureClient(once)).toEqual(once);
  });

  test('by two plugins of one codec, after the codecs of others', () => {
    const other = { ...codec };
    const configured = createCodecPlugin(codec).configureClient(
      plugin.configureClient({ dataConverter: { payloadCodecs: [other] } }),
    );
    expect(configured.dataConverter.payloadCodecs).toEqual([other, codec]);
  });
});

test('a codec that only decodes is refused', () => {
  const decoding = createCodec({ keys, namespace: 'prod', domain: 'test', isDecodeOnly: true });
  expect(() => createCodecPlugin(decoding)).toThrow(
    expect.objectContaining({ code: 'CODEC_OPTIONS_INVALID' }),
  );
});

describe('a failure converter of the user', () => {
  const refusal = { code: 'CODEC_OPTIONS_INVALID' };
  const dataConverter = { failureConverterPath: '/my/own.js' };

  test('is refused, not replaced', async () => {
    expect(() => plugin.configureClient({ dataConverter })).toThrow(expect.objectContaining(refusal));
    expect(() => plugin.configureBundler(dataConverter)).toThrow(expect.objectContaining(refusal));
    await expect(plugin.configureWorker({ dataConverter })).rejects.toMatchObject(refusal);
    await expect(plugin.configureReplayWorker({ dataConverter })).rejects.toMatchObject(refusal);
  });

  test('that is ours is accepted', () => {
    const ours = { failureConverterPath: FAILURE_CONVERTER_PATH };
    expect(plugin.configureBundler(ours)).toEqual(ours);
    expect(plugin.configureClient({ dataConverter: ours }).dataConverter).toMatchObject(ours);
  });
});

describe('a claim check', () => {
  const ring = createKeyRing({
    test: {
      active: createKey('k1', Buffer.alloc(32, 5)),
      others: [],
      claims: [createKey('c1', Buffer.alloc(32, 6))],
    },
  });
  const claims = createClaimCheck({ store: createMemoryStore(), registry: createMemoryRegistry() });
  const claiming = createCodec({ keys: ring, namespace: 'prod', domain: 'test', claims });
  const { externalStorage } = claims;

  test('brings its external storage, to clients, workers and replays', async () => {
    const configure = createCodecPlugin(claiming);
    for (const options of [
      configure.configureClient({}),
      configure.configureClient(configure.configureClient({})),
      await configure.configureWorker({}),
      await configure.configureReplayWorker({}),
    ])
      expect(options).toMatchObject({ dataConverter: { externalStorage } });
    expect(await configure.configureReplayWorker({})).toMatchObject({
      dataConverter: { payloadCodecs: [claiming.forReplay] },
    });
  });

  test('is refused beside the external storage of somebody else', () => {
    const dataConverter = {
      externalStorage: createClaimCheck({
        store: createMemoryStore(),
        registry: createMemoryRegistry(),
      }).externalStorage,
    };
    expect(() => createCodecPlugin(claiming).configureClient({ dataConverter })).toThrow(
      expect.objectContaining({ code: 'CODEC_OPTIONS_INVALID' }),
    );
    // Without a claim check, external storage is the affair of others.
    expect(plugin.configureClient({ dataConverter }).dataConverter).toMatchObject(dataConverter);
  });
});
