/** A block of TypeScript in a page of documentation. */
export interface Example {
  /** The page, from the root of the repository. */
  readonly page: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  /** Marked `ts run`: it is executed too. */
  readonly runs: boolean;
  /** Marked `ts file=PATH`: it is that file, from the root of the repository. */
  readonly file: string | undefined;
}

const FENCE = /^ *```ts(?<marks>(?: +\S+)*) *$/u;

/** The blocks that begin with ```` ```ts ````, with what stands behind it. An unknown mark throws. */
export function examplesOf(page: string, text: string): readonly Example[] {
  const lines = text.split('\n');
  const examples: Example[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const marks = FENCE.exec(lines[at] ?? '')?.groups?.['marks'];
    if (marks === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && line.trim() === '```');
    if (end === -1) throw new Error(`${page}:${at + 1}: the block has no end`);
    const code = `${lines.slice(at + 1, end).join('\n')}\n`;
    examples.push({ page, line: at + 2, code, ...readMarks(marks, `${page}:${at + 1}`) });
    at = end;
  }
  return examples;
}

/**
 * What the first example of a page imports though no `npm i` on that page names it: whoever copies both from top to bottom
 * finds it missing. Pages that install nothing are not asked.
 */
export function notInstalled(text: string, [first]: readonly Example[]): readonly string[] {
  const installed = [...text.matchAll(/^ {4}npm i(?: -D)? (.+)$/gmu)].flatMap(([, names = '']) => names.split(' '));
  if (installed.length === 0 || first === undefined) return [];
  const imported = [...first.code.matchAll(/ from '(@[^/']+\/[^/']+|[^@.][^/':]*)['/]/gu)].map(([, name = '']) => name);
  return imported.filter((name) => !installed.includes(name));
}

/** What a block is called where it is checked: `packages-core-README-9.ts`. */
export function nameOf({ page, line }: Example): string {
  return `${page.replace(/\.md$/u, '').replaceAll('/', '-')}-${line}.ts`;
}

function readMarks(marks: string, where: string): Pick<Example, 'runs' | 'file'> {
  let runs = false;
  let file: string | undefined;
  for (const mark of marks.split(' ').filter((text) => text !== '')) {
    if (mark === 'run') runs = true;
    else if (mark.startsWith('file=')) file = mark.slice('file='.length);
    else throw new Error(`${where}: a block is marked run or file=PATH, not ${mark}`);
  }
  return { runs, file };
}
