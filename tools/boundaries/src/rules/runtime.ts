import { isolateFiles } from '../isolate-files.ts';
import { entrySource } from '../package-entries.ts';
import { ISOLATE_ENTRIES, ISOLATE_PACKAGES, PURE_LIBRARIES } from '../policy.ts';
import { parseSpecifier } from '../specifier.ts';
import { type Project, type Workspace, tagsOf } from '../workspace.ts';
import type { Edge } from '../edges.ts';
import type { Violation } from '../violation.ts';
import type { ImportSite } from '../scan-imports.ts';

const TO_ACTIVITY = 'do it in an activity and declare its interface in src/contract.ts';

/**
 * Workflow code runs in an isolate without Node. Checked file by file, and for types as well, because one stray type
 * import brings Node's types back for the whole program and hides every later mistake.
 */
export function checkRuntime(workspace: Workspace, edges: readonly Edge[]): readonly Violation[] {
  return [
    ...[...workspace.projects.values()].flatMap((project) => checkIsolateFiles(workspace, project)),
    ...[...workspace.projects.values()].flatMap((project) => checkContractFiles(workspace, project)),
    ...edges.flatMap(checkDeclared),
  ];
}

/** Imports are judged by file; this is for dependencies of packages that are isolate as a whole. */
function checkDeclared({ source, target, found, dev, file, line }: Edge): readonly Violation[] {
  if (found === 'imported' || dev) return [];
  if (!tagsOf(source, 'runtime').includes('isolate') || !tagsOf(target, 'runtime').includes('node'))
    return [];
  return [
    {
      file,
      line,
      rule: 'runtime',
      problem: `isolate package ${source.shortName} depends on node package ${target.shortName}`,
      fix: `move it to devDependencies, or tag ${source.shortName} runtime:both and keep the use out of its isolate files`,
    },
  ];
}

/**
 * All source of a wire contract runs in browsers too, also what its tsconfig.isolate.json leaves out because it uses a
 * global such as `fetch`. Which packages of the workspace it may read is for the rule of layers.
 */
function checkContractFiles(workspace: Workspace, project: Project): readonly Violation[] {
  if (!tagsOf(project, 'layer').includes('contract')) return [];
  const sources = [...project.files.values()].filter(({ place }) => place === 'source');
  return sources.flatMap((file) =>
    file.imports.flatMap(({ specifier: text, line }) => {
      const specifier = parseSpecifier(text);
      if (specifier.kind !== 'builtin' && specifier.kind !== 'package') return [];
      if (specifier.kind === 'package') {
        const isOurs = workspace.projects.has(specifier.name);
        if (isOurs || PURE_LIBRARIES.includes(specifier.name)) return [];
      }
      const fix =
        'take what it needs as an argument, or list a library that uses nothing of Node in PURE_LIBRARIES of tools/boundaries/src/policy.ts';
      return [{ file: file.path, line, rule: 'runtime', problem: `the wire contract imports ${text}`, fix }];
    }),
  );
}

function checkIsolateFiles(workspace: Workspace, project: Project): readonly Violation[] {
  return [...isolateFiles(project)].flatMap(([path, cameFrom]) => {
    const reason =
      cameFrom === undefined ? '' : `, reached from ${cameFrom.slice(project.folder.length + 1)},`;
    return (project.files.get(path)?.imports ?? []).flatMap((site) => {
      const broken = brokenImport(workspace, project, site);
      if (broken === undefined) return [];
      const problem = `isolate file${reason} ${broken.problem}`;
      return [{ file: path, line: site.line, rule: 'runtime', problem, fix: broken.fix }];
    });
  });
}

function brokenImport(
  workspace: Workspace,
  project: Project,
  { specifier: text, kind }: ImportSite,
): { problem: string; fix: string } | undefined {
  if (kind === 'types-reference')
    return {
      problem: `references the types of ${text}`,
      fix: 'remove the reference, the isolate has no such globals',
    };
  const specifier = parseSpecifier(text);
  // What is relative and leaves the package is for the rule of imports.
  if (specifier.kind === 'relative' || specifier.kind === 'other') return undefined;
  if (specifier.kind === 'builtin') return { problem: `imports ${text}, a Node built-in`, fix: TO_ACTIVITY };
  const target = workspace.projects.get(specifier.name);
  if (target !== undefined) return brokenEntry(workspace, project, target, specifier.entry);
  if (PURE_LIBRARIES.includes(specifier.name) || isIsolatePackage(text)) return undefined;
  return {
    problem: `imports ${text}`,
    fix: `${TO_ACTIVITY}, or list a library that uses nothing of Node in PURE_LIBRARIES of tools/boundaries/src/policy.ts`,
  };
}

function brokenEntry(
  workspace: Workspace,
  project: Project,
  target: Project,
  entry: string,
): { problem: string; fix: string } | undefined {
  const module = entry === '.' ? target.name : target.name + entry.slice(1);
  if (target !== project && !tagsOf(target, 'runtime').some((runtime) => runtime !== 'node'))
    return { problem: `imports ${module}, a node package`, fix: TO_ACTIVITY };
  const source = entrySource(workspace, target, entry);
  if (ISOLATE_ENTRIES.includes(entry) && source !== undefined && isolateFiles(target).has(source))
    return undefined;
  return {
    problem: `imports ${module}, an entry with Node code`,
    fix: `import the ".", "./workflows" or "./policies" entry where it is isolate code of ${target.shortName} (its tsconfig.isolate.json), or take what it needs as an argument`,
  };
}

function isIsolatePackage(text: string) {
  return ISOLATE_PACKAGES.some((name) => (name.endsWith('/') ? text.startsWith(name) : text === name));
}
