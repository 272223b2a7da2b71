import type { ProcessView } from '../server-spec.ts';

/** Draws the table of what runs, where and how it is. */
export function stateTable(processes: readonly Pick<ProcessView, 'name' | 'what' | 'url' | 'state'>[]) {
  const rows = [
    ['what', 'URL', 'state'],
    ...processes.map(({ name, what, url, state }) => [what ?? name, url ?? '-', state]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
