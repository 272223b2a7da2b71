import { type ReasonedEdge, CONTRACT_EDGES, FOUNDATION_EDGES } from '../policy.ts';
import { tagsOf } from '../workspace.ts';
import type { Edge } from '../edges.ts';
import type { Violation } from '../violation.ts';

/**
 * Arrows point down: app → skeleton → foundation and app → domain → foundation. A wire contract may be read from every
 * layer and reads nothing that needs Node. Tooling is for development. Two domains, two foundations, or a contract and a
 * domain meet only along the edges that the policy lists.
 */
export function checkLayers(edges: readonly Edge[]): readonly Violation[] {
  return edges.flatMap((edge) => {
    const broken = brokenArrow(edge);
    return broken === undefined ? [] : [{ file: edge.file, line: edge.line, rule: 'layers', ...broken }];
  });
}

function brokenArrow(edge: Edge): { problem: string; fix: string } | undefined {
  const { source, target, dev } = edge;
  const [from] = tagsOf(source, 'layer');
  const [to] = tagsOf(target, 'layer');
  if (from === undefined || to === undefined) return undefined;
  const arrow = `${from} ${source.shortName} ${verb(edge)} ${to} ${target.shortName}`;
  if (to === 'app') {
    const fix = 'an app is a leaf: move what is shared into a package';
    return { problem: arrow, fix };
  }
  if (from === 'tooling') return undefined;
  if (to === 'tooling') {
    if (dev) return undefined;
    const fix =
      edge.found === 'declared'
        ? 'move it to devDependencies'
        : 'use tooling in tests, src/testing/, demo/ and scripts/ only';
    return { problem: `${arrow} outside of tests and dev files`, fix };
  }
  const fix = brokenPair(edge, from, to);
  return fix === undefined ? undefined : { problem: arrow, fix };
}

/**
 * Judges two layers that ship.
 * @returns what to do, where the edge is not allowed
 */
function brokenPair(edge: Edge, from: string, to: string): string | undefined {
  const names = `${edge.source.shortName} → ${edge.target.shortName}`;
  if (to === 'skeleton')
    return from === 'app'
      ? undefined
      : 'only apps use a skeleton: move what is shared into a foundation, or the use into the app';
  if (from === 'contract') return brokenContract(edge, to, names);
  if (to === 'contract') return undefined;
  if (from === 'skeleton')
    return to === 'foundation'
      ? undefined
      : 'a skeleton knows no domain: take what it needs as an argument and pass it in the app';
  if (from === 'domain' && to === 'domain')
    return listed(CONTRACT_EDGES, edge)
      ? undefined
      : `meet in an event type that one of them exports and wire them in an app, or list the contract edge ${names} in tools/boundaries/src/policy.ts`;
  if (from === 'foundation' && to === 'foundation')
    return listed(FOUNDATION_EDGES, edge)
      ? undefined
      : `take what it needs as an argument, or list the foundation edge ${names} with its reason in tools/boundaries/src/policy.ts`;
  if (from === 'foundation' && to === 'domain')
    return 'arrows point down: move the code into the domain, or take it as an argument';
  return undefined;
}

function brokenContract(edge: Edge, to: string, names: string): string | undefined {
  if (to === 'contract' || (to === 'foundation' && tagsOf(edge.target, 'runtime').includes('isolate')))
    return undefined;
  if (to === 'domain' && listed(CONTRACT_EDGES, edge)) return undefined;
  return to === 'domain'
    ? `declare it in the contract and let the domain read it there, or list the contract edge ${names} with its reason in tools/boundaries/src/policy.ts`
    : 'a wire contract is read in browsers too: use pure libraries, isolate packages and other contracts only';
}

function listed(list: readonly ReasonedEdge[], { source, target }: Edge) {
  return list.some(({ from, to }) => from === source.shortName && to === target.shortName);
}

function verb({ found }: Edge) {
  if (found === 'declared') return 'depends on';
  return found === 'imported' ? 'imports' : 'depends, by the Nx graph, on';
}
