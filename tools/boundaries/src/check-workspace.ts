import { collectEdges } from './edges.ts';
import { checkCycles } from './rules/cycles.ts';
import { checkImports } from './rules/imports.ts';
import { checkLayers } from './rules/layers.ts';
import { checkProjects } from './rules/projects.ts';
import { checkRuntime } from './rules/runtime.ts';
import { checkMisplaced } from './rules/misplaced.ts';
import { type Violation, sortViolations } from './violation.ts';
import type { Workspace } from './workspace.ts';

/**
 * Applies every rule.
 * @returns sorted by place
 */
export function checkWorkspace(workspace: Workspace): readonly Violation[] {
  const edges = collectEdges(workspace);
  return sortViolations([
    ...checkProjects(workspace),
    ...checkLayers(edges),
    ...checkCycles(edges),
    ...checkRuntime(workspace, edges),
    ...checkImports(workspace),
    ...checkMisplaced(workspace),
  ]);
}
