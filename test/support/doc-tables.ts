/** The tables of a Markdown file, in their order. */
export interface DocTable {
  /** The heading under which it stands. */
  section: string;
  /** Line of its head, from 1. */
  line: number;
  heading: string[];
  rows: string[][];
}

const cells = (row: string): string[] =>
  row
    .trim()
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

export function tablesIn(text: string): DocTable[] {
  const tables: DocTable[] = [];
  let section = '';
  let open: DocTable | null = null;
  for (const [at, line] of text.split('\n').entries()) {
    if (line.startsWith('#')) section = line.replace(/^#+ /, '');
    if (!/^\s*\|/.test(line)) open = null;
    else if (open === null) {
      open = { section, line: at + 1, heading: cells(line), rows: [] };
      tables.push(open);
    } else if (!/^\s*\|[\s:-]+\|/.test(line)) open.rows.push(cells(line));
  }
  return tables;
}
