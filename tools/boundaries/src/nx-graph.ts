import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GraphEdge } from './workspace.ts';

const run = promisify(execFile);

/**
 * Asks Nx which project uses which. Nx reads imports on its own, so it also finds what our scan does not.
 */
export async function readGraphEdges(root: string): Promise<readonly GraphEdge[]> {
  const nx = join(root, 'node_modules/nx/dist/bin/nx.js');
  const { stdout } = await run(process.execPath, [nx, 'graph', '--print'], {
    cwd: root,
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
  });
  return graphEdges(JSON.parse(stdout));
}

/**
 * @param {{ graph: { nodes: Record<string, { data: { metadata?: { js?: { packageName?: string } } } }>,
 *   dependencies: Record<string, readonly { source: string, target: string, type: string }[]> } }} printed
 * @returns by package name; orders of tasks (`implicit`) are no use
 */
export function graphEdges({
  graph,
}: {
  graph: {
    nodes: Record<string, { data: { metadata?: { js?: { packageName?: string } } } }>;
    dependencies: Record<string, readonly { source: string; target: string; type: string }[]>;
  };
}): readonly GraphEdge[] {
  const nameOf = (project: string) => graph.nodes[project]?.data.metadata?.js?.packageName ?? project;
  return Object.values(graph.dependencies)
    .flat()
    .filter(({ target, type }) => target in graph.nodes && type !== 'implicit')
    .map(({ source, target }) => ({ source: nameOf(source), target: nameOf(target) }));
}
