import { collectEdges } from './edges.js';
import { checkCycles } from './rules/cycles.js';
import { checkImports } from './rules/imports.js';
import { checkLayers } from './rules/layers.js';
import { checkProjects } from './rules/projects.js';
import { checkRuntime } from './rules/runtime.js';
import { checkUnused } from './rules/unused.js';
import { sortViolations } from './violation.js';

/**
 * Applies every rule.
 * @param {import('./workspace.js').Workspace} workspace
 * @returns {readonly import('./violation.js').Violation[]} sorted by place
 */
export function checkWorkspace(workspace) {
  const edges = collectEdges(workspace);
  return sortViolations([
    ...checkProjects(workspace),
    ...checkLayers(edges),
    ...checkCycles(edges),
    ...checkRuntime(workspace, edges),
    ...checkImports(workspace),
    ...checkUnused(workspace),
  ]);
}
