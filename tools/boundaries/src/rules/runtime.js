import { isolateFiles } from '../isolate-files.js';
import { entrySource } from '../package-entries.js';
import { ISOLATE_PACKAGES, PURE_LIBRARIES } from '../policy.js';
import { parseSpecifier } from '../specifier.js';
import { tagsOf } from '../workspace.js';

const TO_ACTIVITY = 'do it in an activity and declare its interface in src/contract.ts';

/**
 * Workflow code runs in an isolate without Node. Checked file by file, and for types as well, because one stray type
 * import brings Node's types back for the whole program and hides every later mistake.
 * @param {import('../workspace.js').Workspace} workspace
 * @param {readonly import('../edges.js').Edge[]} edges
 * @returns {readonly import('../violation.js').Violation[]}
 */
export function checkRuntime(workspace, edges) {
  return [
    ...[...workspace.projects.values()].flatMap((project) => checkIsolateFiles(workspace, project)),
    ...[...workspace.projects.values()].flatMap((project) => checkContractFiles(workspace, project)),
    ...edges.flatMap(checkDeclared),
  ];
}

/**
 * Imports are judged by file; this is for dependencies of packages that are isolate as a whole.
 * @param {import('../edges.js').Edge} edge
 * @returns {readonly import('../violation.js').Violation[]}
 */
function checkDeclared({ source, target, found, dev, file, line }) {
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
 * @param {import('../workspace.js').Workspace} workspace
 * @param {import('../workspace.js').Project} project
 * @returns {readonly import('../violation.js').Violation[]}
 */
function checkContractFiles(workspace, project) {
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
        'take what it needs as an argument, or list a library that uses nothing of Node in PURE_LIBRARIES of tools/boundaries/src/policy.js';
      return [{ file: file.path, line, rule: 'runtime', problem: `the wire contract imports ${text}`, fix }];
    }),
  );
}

/**
 * @param {import('../workspace.js').Workspace} workspace
 * @param {import('../workspace.js').Project} project
 * @returns {readonly import('../violation.js').Violation[]}
 */
function checkIsolateFiles(workspace, project) {
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

/**
 * @param {import('../workspace.js').Workspace} workspace
 * @param {import('../workspace.js').Project} project
 * @param {import('../scan-imports.js').ImportSite} site
 * @returns {{ problem: string, fix: string } | undefined}
 */
function brokenImport(workspace, project, { specifier: text, kind }) {
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
    fix: `${TO_ACTIVITY}, or list a library that uses nothing of Node in PURE_LIBRARIES of tools/boundaries/src/policy.js`,
  };
}

/**
 * @param {import('../workspace.js').Workspace} workspace
 * @param {import('../workspace.js').Project} project
 * @param {import('../workspace.js').Project} target
 * @param {string} entry
 * @returns {{ problem: string, fix: string } | undefined}
 */
function brokenEntry(workspace, project, target, entry) {
  const module = entry === '.' ? target.name : target.name + entry.slice(1);
  if (target !== project && !tagsOf(target, 'runtime').some((runtime) => runtime !== 'node'))
    return { problem: `imports ${module}, a node package`, fix: TO_ACTIVITY };
  const source = entrySource(workspace, target, entry);
  if ((entry === '.' || entry === './workflows') && source !== undefined && isolateFiles(target).has(source))
    return undefined;
  return {
    problem: `imports ${module}, an entry with Node code`,
    fix: `import the "." or "./workflows" entry where it is isolate code of ${target.shortName} (its tsconfig.isolate.json), or take what it needs as an argument`,
  };
}

/** @param {string} text */
function isIsolatePackage(text) {
  return ISOLATE_PACKAGES.some((name) => (name.endsWith('/') ? text.startsWith(name) : text === name));
}
