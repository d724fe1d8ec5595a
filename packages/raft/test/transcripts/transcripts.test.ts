import { describe, expect, it } from 'vitest';
import { interactionRunner } from './interaction-runner.ts';
import { describeMismatch, replay, type Runner } from './replay.ts';
import { RUNNERS } from './runners.ts';
import { ownScenarios, transcriptFolder, transcriptsIn, type TranscriptFile } from './transcript-files.ts';

const suites = Object.entries(RUNNERS).map(([folder, runner]) => ({ files: transcriptsIn(folder), runner }));
const some = suites.some(({ files }) => files.length > 0);

if (!some) {
  // Set where their absence is a mistake and not a choice.
  if (process.env['QUORATE_REQUIRE_TRANSCRIPTS'] === '1') throw new Error(`no transcripts in ${transcriptFolder()}`);
  process.stderr.write(`skipped: no transcripts of etcd-io/raft in ${transcriptFolder()}\n`);
}

describe.skipIf(!some)('transcripts of etcd-io/raft', () => {
  // Something to skip, where there is nothing to run.
  if (!some) it('are replayed', () => {});
  for (const { files, runner } of suites) it.each(files)('$name', (file) => expectToHold(file, runner()));
});

describe('transcripts of our own', () => {
  it.each(ownScenarios())('$name', (file) => expectToHold(file, interactionRunner()));
});

function expectToHold({ name, text }: TranscriptFile, runner: Runner): void {
  const mismatches = replay(name, text, runner);
  const [first] = mismatches;
  if (first) expect.fail(`${mismatches.length} steps differ, the first one at ${describeMismatch(first)}`);
}
