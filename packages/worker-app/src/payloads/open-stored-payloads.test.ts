import { describe, expect, test } from '@jest/globals';
import { loadConfig, type ServicePart } from '@heliograph/service';
import * as v from 'valibot';
import { codecVariables } from '../variables.ts';
import { openStoredPayloads } from './open-stored-payloads.ts';

const VARIABLE = 'HELIOGRAPH_CODEC_CLAIMS';

async function open(place: string | undefined) {
  const parts: ServicePart[] = [];
  const work: string[] = [];
  const config = loadConfig(v.object(codecVariables), place === undefined ? {} : { [VARIABLE]: place });
  const opening = openStoredPayloads(config, {
    name: 'test',
    postgresUrl: () => 'postgres://127.0.0.1:1/none',
    register: (part) => void parts.push(part),
    whenAvailable: async (what) => void work.push(what),
  });
  await opening.catch(() => undefined);
  for (const part of parts) await part.stop(1000);
  const stored = await opening;
  return { stored, parts, work };
}

test('without the variable nothing is opened, and PostgreSQL is not needed', async () => {
  await expect(open(undefined)).resolves.toEqual({ stored: null, parts: [], work: [] });
});

test.each([
  ['postgres', 'postgres'],
  ['file:/tmp', 'file'],
  ['s3://heliograph-claims/prefix/?region=eu-central-1&endpoint=https://s3.example.com', 's3'],
])(
  '%s opens a store, and a register whose schema is brought up to date when it can be',
  async (place, type) => {
    const { stored, parts, work } = await open(place);
    expect(stored?.store.type).toBe(type);
    expect(parts).toMatchObject([{ name: 'codec-claims' }]);
    expect(work).toEqual(['large payloads']);
  },
);

describe('is refused with the variable, and without what it says:', () => {
  test.each([
    ['another word', 'hunter2', /expected postgres, file:FOLDER with an absolute path, or s3:\/\/BUCKET/],
    ['a relative folder', 'file:hunter2', /expected postgres, file:FOLDER with an absolute path/],
    ['a folder that is missing', 'file:/none/hunter2', /The folder of a file store has to exist/],
    ['no bucket', 's3://', /expected postgres/],
    ['an address that is none', 's3://[hunter2', /expected s3:\/\/BUCKET or s3:\/\/BUCKET\/PREFIX/],
    ['a bucket that cannot exist', 's3://Hunter2!', /need the name of a bucket/],
    ['credentials in the address', 's3://me:hunter2@bucket', /no credentials in it/],
    ['a port', 's3://bucket:9000/', /no more than \?region= and &endpoint=/],
    ['another setting', 's3://bucket/?regin=hunter2', /no more than \?region= and &endpoint=/],
    ['an endpoint in clear', 's3://bucket/?region=x&endpoint=http://hunter2', /endpoint/],
  ])('%s', async (_, place, message) => {
    const opening = open(place);
    await expect(opening).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(new RegExp(`^${VARIABLE}: .*${message.source}`)),
    });
    await expect(opening).rejects.not.toThrow(/hunter2/i);
  });
});
