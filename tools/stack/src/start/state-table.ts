import type { ProcessView } from '../server-spec.ts';

/** Formats the table of processes with their addresses and states. */
export function stateTable(
  processes: readonly Pick<ProcessView, 'name' | 'what' | 'url' | 'state'>[],
): string {
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
