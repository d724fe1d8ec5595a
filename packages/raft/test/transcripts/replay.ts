import { parseTranscript, type Step } from './data-driven.ts';

/** Carries out one step after the other and says what each printed. Throws on what it doesn't understand. */
export type Runner = (step: Step) => string;

/** A step that printed something else than the transcript says. */
export interface Mismatch {
  /** File, line and directive. */
  readonly where: string;
  /** Both without log lines, one line each. */
  readonly expected: string;
  readonly actual: string;
}

/** Replays a transcript and returns every step that differs. What a runner throws is given file, line and directive. */
export function replay(file: string, text: string, runner: Runner): Mismatch[] {
  const mismatches: Mismatch[] = [];
  for (const step of parseTranscript(text)) {
    const actual = factsOf(run(file, step, runner).split('\n'));
    const expected = factsOf(step.expected);
    if (actual.join('\n') === expected.join('\n')) continue;
    const where = `${file}:${lineOfDifference(step, actual)}: "${step.text}" of line ${step.line}`;
    mismatches.push({ where, expected: expected.join('\n'), actual: actual.join('\n') });
  }
  return mismatches;
}

/** A mismatch as text: what was expected is marked -, what came +. */
export function describeMismatch({ where, expected, actual }: Mismatch): string {
  return [where, ...nearDifferences(diffLines(expected.split('\n'), actual.split('\n')))].join('\n');
}

function run(file: string, step: Step, runner: Runner): string {
  try {
    return runner(step);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${file}:${step.line}: "${step.text}": ${reason}`, { cause });
  }
}

const LOG_LINE = /^\s*(DEBUG|INFO|WARN|ERROR)\b/;

/**
 * What is compared: everything but log lines and blank lines at the end. A step that only logs prints nothing, and
 * one that prints nothing prints `ok`, so these two are the same.
 */
function factsOf(lines: readonly string[]): string[] {
  const facts = lines.filter((line) => !LOG_LINE.test(line)).map((line) => line.trimEnd());
  while (facts.at(-1) === '') facts.pop();
  return facts.length === 0 ? ['ok'] : facts;
}

/** The line of the file from which on the output isn't as it should be. */
function lineOfDifference(step: Step, actual: readonly string[]): number {
  let fact = 0;
  for (const [at, line] of step.expected.entries()) {
    if (LOG_LINE.test(line)) continue;
    if (line.trimEnd() !== actual[fact]) return step.expectedLine + at;
    fact += 1;
  }
  return step.expectedLine + step.expected.length;
}

const CONTEXT_LINES = 3;

/** The lines that differ with a few around them; of the others only their number. */
function nearDifferences(diff: readonly string[]): string[] {
  const differs = diff.map((line) => !line.startsWith('    '));
  const isNear = diff.map((_, at) =>
    differs.slice(Math.max(0, at - CONTEXT_LINES), at + CONTEXT_LINES + 1).includes(true),
  );
  const lines: string[] = [];
  let left = 0;
  for (const [at, line] of [...diff, ''].entries()) {
    const isShown = at === diff.length || isNear[at] === true;
    if (!isShown) left += 1;
    if (isShown && left > 0) lines.push(`    … ${left} lines`);
    if (isShown) left = 0;
    if (isShown && at < diff.length) lines.push(line);
  }
  return lines;
}

/** Both texts as one, by their longest common subsequence of lines. */
function diffLines(expected: readonly string[], actual: readonly string[]): string[] {
  const common = commonLengths(expected, actual);
  const lines: string[] = [];
  let e = 0;
  let a = 0;
  while (e < expected.length || a < actual.length) {
    if (e < expected.length && a < actual.length && expected[e] === actual[a]) {
      lines.push(`    ${expected[e]}`);
      e += 1;
      a += 1;
    } else if (a >= actual.length || (e < expected.length && at(common, e + 1, a) >= at(common, e, a + 1))) {
      lines.push(`  - ${expected[e]}`);
      e += 1;
    } else {
      lines.push(`  + ${actual[a]}`);
      a += 1;
    }
  }
  return lines;
}

/** For each pair of positions: how many lines the rests have in common. */
function commonLengths(expected: readonly string[], actual: readonly string[]): number[][] {
  const lengths: number[][] = Array.from({ length: expected.length + 1 }, () =>
    Array.from({ length: actual.length + 1 }, () => 0),
  );
  for (let e = expected.length - 1; e >= 0; e -= 1) {
    for (let a = actual.length - 1; a >= 0; a -= 1) {
      const longest = Math.max(at(lengths, e + 1, a), at(lengths, e, a + 1));
      lengths[e]![a] = expected[e] === actual[a] ? at(lengths, e + 1, a + 1) + 1 : longest;
    }
  }
  return lengths;
}

function at(lengths: readonly (readonly number[])[], e: number, a: number): number {
  return lengths[e]?.[a] ?? 0;
}
