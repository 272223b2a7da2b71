import ts from 'typescript';
import { parseSpecifier } from './specifier.ts';
import { type Project, resolveRelative, tagsOf } from './workspace.ts';

/**
 * The files of a project that run inside the workflow isolate, each with the file that pulls it in (undefined for an
 * entry). In a `runtime:isolate` package that is all of its source; in a `runtime:both` package what
 * tsconfig.isolate.json includes and everything that is reached from there by relative imports.
 */
export function isolateFiles(project: Project): ReadonlyMap<string, string | undefined> {
  const runtimes = tagsOf(project, 'runtime');
  const sources = [...project.files.values()].filter(({ place }) => place === 'source');
  if (runtimes.includes('isolate')) return new Map(sources.map(({ path }) => [path, undefined]));
  if (!runtimes.includes('both')) return new Map();
  const patterns = includePatterns(project.isolateConfig);
  const entries = sources
    .map(({ path }) => path)
    .filter((path) => patterns.some((pattern) => pattern.test(path.slice(project.folder.length + 1))));

  const reached = new Map<string, string | undefined>(entries.map((path) => [path, undefined]));
  // A map visits what is added while it is walked.
  for (const path of reached.keys()) {
    const file = project.files.get(path);
    for (const { specifier } of file?.imports ?? []) {
      if (file === undefined || parseSpecifier(specifier).kind !== 'relative') continue;
      const next = resolveRelative(file, specifier);
      if (project.files.has(next) && !reached.has(next)) reached.set(next, path);
    }
  }
  return reached;
}

/** @param config text of a tsconfig */
function includePatterns(config: string | undefined): readonly RegExp[] {
  if (config === undefined) return [];
  const { include = [] } = ts.parseConfigFileTextToJson('tsconfig.isolate.json', config).config ?? {};
  return include.map(globPattern);
}

/**
 * The globs of a tsconfig: `**` any folders, `*` any name, `?` one character; a name without extension is a folder.
 */
function globPattern(glob: string) {
  const plain = glob.replace(/^(?:\$\{configDir\}|\.)\//, '');
  const whole = /\.\w+$/.test(plain) ? plain : `${plain.replace(/\/$/, '')}/**/*`;
  const source = whole
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*\*\/|\*|\?/g, (wildcard) => WILDCARDS[wildcard] ?? wildcard);
  return new RegExp(`^${source}$`);
}

/* */
const WILDCARDS: Readonly<Record<string, string>> = { '**/': '(?:[^/]+/)*', '*': '[^/]*', '?': '[^/]' };
