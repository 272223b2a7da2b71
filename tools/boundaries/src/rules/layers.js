import { CONTRACT_EDGES, FOUNDATION_EDGES } from '../policy.js';
import { tagsOf } from '../workspace.js';

/**
 * Arrows point down: app → domain → foundation. Tooling is for development; two domains or two foundations meet only
 * along the edges that the policy lists.
 * @param {readonly import('../edges.js').Edge[]} edges
 * @returns {readonly import('../violation.js').Violation[]}
 */
export function checkLayers(edges) {
  return edges.flatMap((edge) => {
    const broken = brokenArrow(edge);
    return broken === undefined ? [] : [{ file: edge.file, line: edge.line, rule: 'layers', ...broken }];
  });
}

/**
 * @param {import('../edges.js').Edge} edge
 * @returns {{ problem: string, fix: string } | undefined}
 */
function brokenArrow(edge) {
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
  if (from === 'domain' && to === 'domain')
    return listed(CONTRACT_EDGES, edge)
      ? undefined
      : {
          problem: arrow,
          fix: `meet in an event type that one of them exports and wire them in an app, or list the contract edge ${source.shortName} → ${target.shortName} in tools/boundaries/src/policy.js`,
        };
  if (from === 'foundation' && to === 'foundation')
    return listed(FOUNDATION_EDGES, edge)
      ? undefined
      : {
          problem: arrow,
          fix: `take what it needs as an argument, or list the foundation edge ${source.shortName} → ${target.shortName} with its reason in tools/boundaries/src/policy.js`,
        };
  if (from === 'foundation' && to === 'domain')
    return {
      problem: arrow,
      fix: 'arrows point down: move the code into the domain, or take it as an argument',
    };
  return undefined;
}

/**
 * @param {readonly import('../policy.js').ReasonedEdge[]} list
 * @param {import('../edges.js').Edge} edge
 */
function listed(list, { source, target }) {
  return list.some(({ from, to }) => from === source.shortName && to === target.shortName);
}

/** @param {import('../edges.js').Edge} edge */
function verb({ found }) {
  if (found === 'declared') return 'depends on';
  return found === 'imported' ? 'imports' : 'depends, by the Nx graph, on';
}
