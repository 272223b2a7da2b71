import { describe, expect, test } from '@jest/globals';
import { decideBuildId, type BuildFacts } from './decide-build-id.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const DIGEST = 'a'.repeat(64);
const BUNDLE = 'c0ffee00'.repeat(8);
const NOTHING: BuildFacts = {
  versioning: undefined,
  isProduction: false,
  buildId: undefined,
  image: undefined,
  imageRevision: undefined,
  git: null,
  bundle: null,
};
const decide = (facts: Partial<BuildFacts>) => decideBuildId({ ...NOTHING, ...facts });
const ALL = {
  isProduction: true,
  buildId: 'r42',
  image: `registry.example:5000/app@sha256:${DIGEST}`,
  imageRevision: 'v1.2.3',
  git: { commit: COMMIT, changes: null },
};

describe('the build of a worker', () => {
  test.each<[Partial<BuildFacts>, string, string]>([
    [ALL, 'r42', 'variable'],
    [{ ...ALL, buildId: undefined }, 'sha256-aaaaaaaaaaaa', 'image digest'],
    [{ ...ALL, buildId: undefined, image: 'app:v9' }, 'v1.2.3', 'image revision'],
    [
      { ...ALL, buildId: undefined, image: undefined, imageRevision: COMMIT },
      '0123456789ab',
      'image revision',
    ],
    [{ isProduction: true, git: ALL.git }, '0123456789ab', 'git'],
    [
      { versioning: 'on', git: { commit: COMMIT, changes: 'feedface01' } },
      '0123456789ab-dirty-feedface',
      'git',
    ],
    [{ isProduction: true, git: ALL.git, bundle: BUNDLE }, '0123456789ab-bundle-c0ffee00', 'git'],
    [
      { isProduction: true, git: { commit: COMMIT, changes: 'feedface01' }, bundle: BUNDLE },
      '0123456789ab-dirty-feedface-bundle-c0ffee00',
      'git',
    ],
    // Whatever is named says it all.
    [{ ...ALL, bundle: BUNDLE }, 'r42', 'variable'],
    [{ isProduction: true, imageRevision: 'v1', bundle: BUNDLE }, 'v1', 'image revision'],
    // A build id alone turns versioning on, as it always has.
    [{ buildId: 'r42' }, 'r42', 'variable'],
  ])('%j is %s, by its %s', (facts, buildId, source) => {
    expect(decide(facts)).toEqual({ kind: 'versioned', buildId, source });
  });

  test.each<[string, Partial<BuildFacts>]>([
    ['outside of production', { git: ALL.git, imageRevision: 'v1' }],
    ['where versioning is off', { ...ALL, versioning: 'off' }],
    ['where it is off, whatever the build is called', { versioning: 'off', buildId: 'unknown' }],
  ])('is not versioned %s', (_, facts) => {
    expect(decide(facts)).toEqual({ kind: 'unversioned' });
  });

  test.each<[string, Partial<BuildFacts>, string]>([
    ['nothing names it', { isProduction: true }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    ['only a tag does', { isProduction: true, image: 'app:v9' }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    ['it is on and nothing names it', { versioning: 'on' }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    ['it is unknown', { ...ALL, buildId: 'unknown' }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    ['it is Latest', { ...ALL, buildId: 'Latest' }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    ['it was never filled in', { ...ALL, buildId: '${GIT_SHA}' }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    ['it has a colon', { ...ALL, buildId: 'app:v9' }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    ['it has a quote', { ...ALL, buildId: "r'1" }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    ['it is too long', { ...ALL, buildId: 'r'.repeat(129) }, 'HELIOGRAPH_DEPLOYMENT_BUILD_ID'],
    [
      'the image was built from something unknown',
      { isProduction: true, imageRevision: 'unknown', git: ALL.git },
      'HELIOGRAPH_IMAGE_REVISION',
    ],
  ])('is refused where %s', (_, facts, variable) => {
    const decision = decide(facts);
    expect(decision).toMatchObject({ kind: 'refused', variable });
    if (decision.kind === 'refused') expect(decision.detail).toMatch(/^[^\n]{20,}$/);
  });
});
