import { tagsOf } from '../workspace.ts';
import type { Edge } from '../edges.ts';
import type { Violation } from '../violation.ts';

/**
 * No project reaches itself. Dev dependencies on tooling are left out: a package may be tested with a tool that is
 * built upon it. Each knot of projects is reported once, with its shortest cycle through its first project.
 */
export function checkCycles(edges: readonly Edge[]): readonly Violation[] {
  const counted = edges.filter(({ dev, target }) => !(dev && tagsOf(target, 'layer').includes('tooling')));

  const reported = new Set<string>();
  const names = [...new Set(counted.map(({ source }) => source.name))].toSorted();
  return names.flatMap((name) => {
    if (reported.has(name)) return [];
    const cycle = shortestCycle(counted, name);
    const [first] = cycle;
    if (first === undefined) return [];
    for (const other of reachable(counted, name))
      if (reachable(counted, other).has(name)) reported.add(other);
    const path = [...cycle.map(({ source }) => source.shortName), first.source.shortName].join(' → ');
    return [
      {
        file: first.file,
        line: first.line,
        rule: 'cycles',
        problem: `cycle ${path}`,
        fix: 'reverse one dependency with an argument or an event, or move the shared part into a package below both',
      },
    ];
  });
}

function reachable(edges: readonly Edge[], start: string): ReadonlySet<string> {
  const reached = new Set([start]);
  // A set visits what is added while it is walked.
  for (const name of reached)
    for (const { source, target } of edges) if (source.name === name) reached.add(target.name);
  return reached;
}

/**
 * Breadth first from a project back to itself.
 * @returns none if there is no cycle
 */
function shortestCycle(edges: readonly Edge[], start: string): readonly Edge[] {
  const paths = new Map<string, readonly Edge[]>([[start, []]]);
  for (const [name, path] of paths) {
    for (const edge of edges.filter(({ source }) => source.name === name)) {
      if (edge.target.name === start) return [...path, edge];
      if (!paths.has(edge.target.name)) paths.set(edge.target.name, [...path, edge]);
    }
  }
  return [];
}
