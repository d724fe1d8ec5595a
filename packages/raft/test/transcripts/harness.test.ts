import { describe, expect, it } from 'vitest';
import { parseTranscript } from './data-driven.ts';
import { interactionRunner } from './interaction-runner.ts';
import { describeMismatch, replay } from './replay.ts';
import { RUNNERS } from './runners.ts';
import { ownScenarios, transcriptsIn } from './transcript-files.ts';

const run = (folder: string, text: string) => replay('a.txt', text, RUNNERS[folder]!());

/** A group of three with a leader, whose election is not shown. */
const ELECTED = `
log-level none
----
ok

add-nodes 3 voters=(1,2,3) index=2
----
ok

campaign 1
----
ok

stabilize
----
ok

log-level info
----
ok
`;

describe('the format of transcripts', () => {
  it('is comments, directives with arguments and input, and what they print', () => {
    const text = '# why\n\ncmd 1 a=b c=(d, e) f=()\ninput\n\nmore\n----\nout\n\n----cmd\n';
    expect(parseTranscript(text.replace('\n----cmd\n', ''))).toEqual([
      {
        name: 'cmd',
        text: 'cmd 1 a=b c=(d, e) f=()',
        line: 3,
        args: [
          { key: '1', isOption: false, values: [] },
          { key: 'a', isOption: true, values: ['b'] },
          { key: 'c', isOption: true, values: ['d', 'e'] },
          { key: 'f', isOption: true, values: [] },
        ],
        input: 'input\n\nmore',
        expected: ['out'],
        expectedLine: 8,
      },
    ]);
  });

  it('lets output hold blank lines between doubled separators, and directives go on over lines', () => {
    const [first, second] = parseTranscript('one \\\n  a=1\n----\n----\nx\n\ny\n----\n----\n\ntwo\n----\n');
    expect([first?.args.length, first?.expected, first?.expectedLine]).toEqual([1, ['x', '', 'y'], 5]);
    expect([second?.line, second?.expected]).toEqual([11, []]);
  });

  it.each([
    ['one\nno separator\n', 'line 1: no ---- after "one"'],
    ['one a=(1\n----\n', 'line 1: a parenthesis is not closed'],
    ['one\n----\nout\n\n> 1 after a blank line\n----\n', 'line 5: expected a directive'],
    ['one\n----\n----\nout\n----\n', 'line 3: the doubled separator does not end'],
  ])('is refused where it is broken: %j', (text, message) => {
    expect(() => parseTranscript(text)).toThrow(message);
  });
});

describe('the comparison', () => {
  it('leaves out log lines and nothing else', () => {
    const printing = (actual: string) => replay('a.txt', 'say\n----\nINFO 1 x\n  DEBUG y\na\n  b\n', () => actual);
    expect(printing('a\n  b\n')).toEqual([]);
    for (const other of ['a\nb\n', 'a\n', 'b\na\n', 'a\n  b\nc\n', 'ok', '']) expect(printing(other)).toHaveLength(1);
  });

  it('takes no output for ok, and ok for nothing but no output', () => {
    expect(replay('a.txt', 'say\n----\nok\n', () => '')).toEqual([]);
    expect(replay('a.txt', 'say\n----\nINFO only\n', () => 'ok')).toEqual([]);
    expect(replay('a.txt', 'say\n----\nfact\n', () => 'ok')).toHaveLength(1);
  });

  it('names file and line, and shows both sides', () => {
    const [mismatch] = replay('a.txt', '# why\nsay it\n----\na\nINFO log\nb\nc\n', () => 'a\nB\nc\n');
    expect(describeMismatch(mismatch!)).toBe('a.txt:6: "say it" of line 2\n    a\n  - b\n  + B\n    c');
  });

  it('shows what is near to a difference, and leaves out the rest', () => {
    const lines = Array.from({ length: 40 }, (_, at) => `line ${at}`);
    const text = `say\n----\n${lines.join('\n')}\n`;
    const [mismatch] = replay('a.txt', text, () => lines.with(10, 'x').with(30, 'y').join('\n'));
    const near = (at: number, other: string) =>
      [-3, -2, -1].map((by) => `    line ${at + by}\n`).join('') +
      `  - line ${at}\n  + ${other}\n` +
      [1, 2, 3].map((by) => `    line ${at + by}\n`).join('');
    expect(describeMismatch(mismatch!)).toBe(
      `a.txt:13: "say" of line 1\n    … 7 lines\n${near(10, 'x')}    … 13 lines\n${near(30, 'y')}    … 6 lines`,
    );
  });

  it('names file, line and directive of what could not be run', () => {
    expect(() => run('quorum', '\nnonsense\n----\n')).toThrow('a.txt:2: "nonsense": unknown directive "nonsense"');
  });
});

describe('an unknown word', () => {
  it.each([
    ['quorum', 'comitted cfg=(1) idx=(_)', 'unknown directive'],
    ['quorum', 'committed cgf=(1) idx=(_)', 'unknown option "cgf"'],
    ['quorum', 'committed cfg=(1) idx=(_,_)', '1 voters, but 2 answers'],
    ['quorum', 'vote cfg=(1) votes=(x)', 'expected y, n or _'],
    ['quorum', 'vote 1 cfg=(1) votes=(y)', 'takes no words'],
    ['confchange', 'simpel', 'unknown directive'],
    ['confchange', 'enter-joint leave=true', 'unknown option "leave"'],
    ['confchange', 'simple\nx1', 'unknown change "x1"'],
    ['interaction', 'stabilise', 'unknown directive'],
    ['interaction', 'stabilize loglevel=none', 'unknown option "loglevel"'],
    ['interaction', 'stabilize log-level=loud', 'unknown log level "loud"'],
    ['interaction', 'stabilize 9', 'there is no node 9'],
    ['interaction', 'add-nodes 1 voter=(1) index=2', 'unknown option "voter"'],
    ['interaction', 'add-nodes 1 voters=(1) index=2 prevote=maybe', 'expected true or false as "prevote"'],
    ['interaction', 'add-nodes 1 voters=(1) index=2 read-only=never', 'unknown way to read'],
    ['interaction', 'deliver-msgs 1 type=MsgNone', 'unknown type of message'],
    ['interaction', 'deliver-msgs 1 drop=(1)', 'a recipient is named twice'],
    ['interaction', 'propose-conf-change 1 mode=auto\nv4', 'unknown option "mode"'],
    ['interaction', 'propose-conf-change 1 transition=slow\nv4', 'unknown transition'],
    ['interaction', 'log-level', 'log-level takes a level'],
    ['interaction', 'campaign one', 'expected a number'],
    ['interaction', 'raft-state\nraft-stat', 'unknown directive "raft-stat"'],
  ])('fails a transcript of %s: %j', (folder, step, message) => {
    const before = folder === 'interaction' ? ELECTED : '';
    expect(() => run(folder, `${before}\n${step}\n----\nok\n`)).toThrow(message);
  });
});

const all = [
  ...ownScenarios().map((file) => ({ ...file, runner: interactionRunner })),
  ...Object.entries(RUNNERS).flatMap(([folder, runner]) => transcriptsIn(folder).map((file) => ({ ...file, runner }))),
];

/** Those that don't hold are reported where they are replayed. */
const holding = all.filter(({ name, text, runner }) => {
  try {
    return replay(name, text, runner()).length === 0;
  } catch {
    return false;
  }
});

describe('a wrong fact', () => {
  it.each(holding)('is found in $name', ({ name, text, runner }) => {
    const facts = factLines(text);
    // Some twenty lines all over the file: each run is as long as the file.
    const chosen = facts.filter((_, at) => at % Math.ceil(facts.length / 20) === 0);
    for (const line of chosen) {
      const lines = text.split('\n');
      lines[line - 1] = falsify(lines[line - 1]!);
      const mismatches = replay(name, lines.join('\n'), runner());
      expect(mismatches.map(({ where }) => where.startsWith(`${name}:${line}: `))).toEqual([true]);
    }
  });
});

/** The lines that are compared, counted from 1. */
function factLines(text: string): number[] {
  return parseTranscript(text).flatMap(({ expected, expectedLine }) =>
    expected.flatMap((line, at) => (/^\s*(DEBUG|INFO|WARN|ERROR)\b/.test(line) ? [] : [expectedLine + at])),
  );
}

/** Another number where there is one, so that only an attentive reader sees it; otherwise another word. */
function falsify(line: string): string {
  const changed = line.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10));
  return changed === line ? `${line}!` : changed;
}
