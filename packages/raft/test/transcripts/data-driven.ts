/** One argument of a directive: a bare word, an option with one value `key=value`, or with any number `key=(a,b)`. */
export interface Argument {
  readonly key: string;
  readonly isOption: boolean;
  readonly values: readonly string[];
}

export interface Command {
  readonly name: string;
  readonly args: readonly Argument[];
}

/** A step of a transcript: a directive, its input, and what it must print. Lines are counted from 1. */
export interface Step extends Command {
  readonly line: number;
  /** The directive as written. */
  readonly text: string;
  readonly input: string;
  readonly expected: readonly string[];
  readonly expectedLine: number;
}

/** What is wrong with the form of a transcript, and where: `line` is 0 if only the caller knows. */
export class TranscriptError extends Error {
  override readonly name = 'TranscriptError';
}

/**
 * Reads a transcript: comments and blank lines, then `directive`, lines of input, `----`, and lines of output up to
 * a blank one. Where the separator is doubled, the output ends with a doubled separator and may hold blank lines.
 */
export function parseTranscript(text: string): Step[] {
  const lines = text.split(/\r?\n/);
  const steps: Step[] = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlankOrComment(lines[at] ?? '')) {
      at += 1;
      continue;
    }
    const start = at;
    let directive = lines[at] ?? '';
    for (; directive.endsWith('\\'); at += 1) directive = `${directive.slice(0, -1)} ${(lines[at + 1] ?? '').trim()}`;
    at += 1;
    const command = parseCommand(directive, start + 1);
    if (command.name === 'subtest') continue;
    const separator = lines.indexOf('----', at);
    if (separator < 0) throw new TranscriptError(`line ${start + 1}: no ---- after "${directive}"`);
    const input = lines.slice(at, separator).join('\n');
    const output = readOutput(lines, separator + 1);
    steps.push({ ...command, line: start + 1, text: directive, input, ...output.found });
    at = output.next;
  }
  return steps;
}

/** Reads a directive and its arguments from one line. */
export function parseCommand(text: string, line = 0): Command {
  const where = line > 0 ? `line ${line}: ` : '';
  const words = splitWords(text);
  if (!words) throw new TranscriptError(`${where}a parenthesis is not closed in "${text}"`);
  const [name = '', ...rest] = words;
  // Whatever this is, it isn't a directive: most likely output that a blank line has cut in two.
  if (!/^[\w-]+:?$/.test(name)) throw new TranscriptError(`${where}expected a directive, got "${text}"`);
  return { name: name.replace(/:$/, ''), args: rest.map(parseArgument) };
}

function readOutput(
  lines: readonly string[],
  start: number,
): { found: Pick<Step, 'expected' | 'expectedLine'>; next: number } {
  if (lines[start] === '----') {
    const end = lines.findIndex((line, at) => at > start && line === '----' && lines[at + 1] === '----');
    if (end < 0) throw new TranscriptError(`line ${start + 1}: the doubled separator does not end`);
    const expected = lines.slice(start + 1, end);
    while (expected.at(-1) === '') expected.pop();
    return { found: { expected, expectedLine: start + 2 }, next: end + 2 };
  }
  let end = start;
  while (end < lines.length && (lines[end] ?? '').trim() !== '') end += 1;
  return { found: { expected: lines.slice(start, end), expectedLine: start + 1 }, next: end };
}

/** Splits at spaces outside of parentheses; undefined if one isn't closed. */
function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word = '';
  let depth = 0;
  for (const character of `${text.trim()} `) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth === 0 && /\s/.test(character)) {
      if (word !== '') words.push(word);
      word = '';
    } else word += character;
  }
  return depth === 0 ? words : undefined;
}

function parseArgument(word: string): Argument {
  const equals = word.indexOf('=');
  if (equals < 0) return { key: word, isOption: false, values: [] };
  const value = word.slice(equals + 1);
  const list = /^\((.*)\)$/s.exec(value)?.[1] ?? value;
  const values = list.trim() === '' ? [] : list.split(',').map((item) => item.trim());
  return { key: word.slice(0, equals), isOption: true, values };
}

function isBlankOrComment(line: string): boolean {
  return /^\s*(#|$)/.test(line);
}
