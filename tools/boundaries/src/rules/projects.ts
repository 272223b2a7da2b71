import { LAYERS, LAYERS_OF_FOLDER, LICENSE, RUNTIMES, RUNTIMES_OF_LAYER } from '../policy.ts';
import { type Project, type Workspace, manifestLine, manifestPath, tagsOf } from '../workspace.ts';
import type { Violation } from '../violation.ts';

type Broken = { line?: number; problem: string; fix: string };

/**
 * Every project says what it is, by exactly one tag of each axis, and packages and apps have what the other checks and
 * the people who use them rely on.
 */
export function checkProjects(workspace: Workspace): readonly Violation[] {
  return [...workspace.projects.values()].flatMap((project) =>
    [...brokenTags(project), ...brokenShape(project)].map(({ line = 1, problem, fix }) => ({
      file: manifestPath(project),
      line,
      rule: 'projects',
      problem,
      fix,
    })),
  );
}

function brokenTags(project: Project): readonly Broken[] {
  const line = manifestLine(project, 'tags');
  const known = { layer: LAYERS, runtime: RUNTIMES };
  const unknown = (project.manifest.nx?.tags ?? []).filter((tag) => {
    const [axis = '', value = ''] = tag.split(':');
    return !Object.entries(known).some(
      ([name, values]) => name === axis && values.some((candidate) => candidate === value),
    );
  });
  const wrongFolder = tagsOf(project, 'layer').filter((layer) => !fitsFolder(project, layer));
  const [firstLayer = ''] = tagsOf(project, 'layer');
  const allowedRuntimes = RUNTIMES_OF_LAYER[firstLayer] ?? RUNTIMES;
  const wrongRuntime = tagsOf(project, 'runtime').filter(
    (runtime) =>
      RUNTIMES.some((candidate) => candidate === runtime) &&
      !allowedRuntimes.some((allowed) => allowed === runtime),
  );
  return [
    ...unknown.map((tag) => ({
      line,
      problem: `unknown tag ${tag}`,
      fix: `use ${allTags('layer', LAYERS)}, ${allTags('runtime', RUNTIMES)}`,
    })),
    ...(['layer', 'runtime'] as const).flatMap((axis) => {
      const count = tagsOf(project, axis).length;
      if (count === 1) return [];
      return [
        {
          line,
          problem: `${count === 0 ? 'no' : 'more than one'} ${axis} tag`,
          fix: `put exactly one of ${allTags(axis, known[axis])} into nx.tags`,
        },
      ];
    }),
    ...wrongFolder.map((layer) => ({
      line,
      problem: `layer:${layer} in ${project.folder.split('/')[0]}/`,
      fix: 'move the folder or change the tag',
    })),
    ...wrongRuntime.map((runtime) => ({
      line,
      problem: `runtime:${runtime} in layer:${firstLayer}`,
      fix: `use ${allTags('runtime', allowedRuntimes)}`,
    })),
  ];
}

function fitsFolder({ folder }: Project, layer: string) {
  const allowed = LAYERS_OF_FOLDER[folder.split('/')[0] ?? ''] ?? LAYERS;
  return allowed.some((candidate) => candidate === layer) || !LAYERS.some((candidate) => candidate === layer);
}

function allTags(axis: string, values: readonly string[]) {
  return `${axis}:${values.join('|')}`;
}

function brokenShape(project: Project): readonly Broken[] {
  const { manifest, paths, folder } = project;
  if (folder.startsWith('tools/')) return [];
  const targets = Object.keys(manifest.nx?.targets ?? {});
  const isIsolate = tagsOf(project, 'runtime').some((runtime) => runtime === 'isolate' || runtime === 'both');

  const found: readonly (Broken | false)[] = [
    ...[
      [
        'README.md',
        folder.startsWith('apps/')
          ? 'write it: task queue, options, metrics, what to do when'
          : 'write it, with an example whose first line is "// example"',
      ],
      ['tsconfig.json', 'extend ../../tsconfig.base.json'],
      ...(targets.includes('build') ? [['tsconfig.build.json', 'extend ../../tsconfig.build.json']] : []),
      ...(isIsolate ? [['tsconfig.isolate.json', 'list the isolate files with "types": []']] : []),
    ].map(([file = '', fix = '']) => !paths.includes(file) && { problem: `${file} is missing`, fix }),
    isIsolate &&
      !targets.includes('isolate') && {
        line: manifestLine(project, 'targets'),
        problem: 'no isolate target',
        fix: 'add "isolate": {} to nx.targets',
      },
    manifest.license !== LICENSE && {
      line: manifestLine(project, 'license'),
      problem: `license is ${manifest.license ?? 'missing'}`,
      fix: `set "license": "${LICENSE}"`,
    },
    manifest.private !== true &&
      manifest.files?.includes('dist') !== true && {
        line: manifestLine(project, 'files'),
        problem: 'a published package without "dist" in files',
        fix: 'set "files": ["dist"], or npm pack obeys .gitignore and ships nothing',
      },
    !targets.includes('test') &&
      !targets.includes('it') && {
        line: manifestLine(project, 'targets'),
        problem: 'neither a test nor an it target',
        fix: 'add "test": {} to nx.targets and tests beside the source',
      },
  ];
  return found.filter((broken) => broken !== false);
}
