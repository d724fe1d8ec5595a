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

/** A block in a page, in whatever language. */
export interface Block {
  readonly language: string;
  /** What stands behind the language, separated by blanks. */
  readonly marks: string;
  /** Of its first line, from 1. */
  readonly line: number;
  readonly code: string;
}

const FENCE = /^(?<before>[ >]*)(?<fence>`{3,}|~{3,}) *(?<language>[^\s`]*)(?<marks>[^`]*)$/u;
/** Data are parsed; `ini` are units of systemd, and blocks without a language are transcripts and formulas. */
const LANGUAGES = ['', 'ts', 'json', 'yaml', 'ini'];
/** Four blanks make a block too, which is for commands: code in it would be checked by nobody. */
const INDENTED_CODE = /^(?: {4,}|\t)(?:import|export) .*from ['"]/u;

/** Every block of a page. One that would escape the checks throws: of an unknown language, or fenced in another way. */
export function blocksOf(page: string, text: string): readonly Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const where = `${page}:${at + 1}`;
    if (INDENTED_CODE.test(lines[at] ?? '')) throw new Error(`${where}: code is fenced by \`\`\`ts`);
    const { before = '', fence = '', language = '', marks = '' } = FENCE.exec(lines[at] ?? '')?.groups ?? {};
    if (fence === '') continue;
    if (fence !== '```' || before.trim() !== '') throw new Error(`${where}: blocks are fenced by \`\`\``);
    if (!LANGUAGES.includes(language)) throw new Error(`${where}: nothing checks blocks of ${language}`);
    const end = lines.findIndex((line, index) => index > at && line.trim() === '```');
    if (end === -1) throw new Error(`${where}: the block has no end`);
    const code = `${lines.slice(at + 1, end).join('\n')}\n`;
    blocks.push({ language, marks, line: at + 2, code });
    at = end;
  }
  return blocks;
}

/** The blocks that begin with ```` ```ts ````, with what stands behind it. An unknown mark throws. */
export function examplesOf(page: string, text: string): readonly Example[] {
  return blocksOf(page, text)
    .filter(({ language }) => language === 'ts')
    .map(({ marks, line, code }) => ({ page, line, code, ...readMarks(marks, `${page}:${line - 1}`) }));
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
