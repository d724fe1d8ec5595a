import { describe, expect, it } from 'vitest';
import { describeMismatch, replay } from './replay.ts';
import { RUNNERS } from './runners.ts';
import { transcriptFolder, transcriptsIn } from './transcript-files.ts';

const suites = Object.entries(RUNNERS).map(([folder, runner]) => ({ files: transcriptsIn(folder), runner, folder }));
const some = suites.some(({ files }) => files.length > 0);

if (!some) process.stderr.write(`skipped: no transcripts of etcd-io/raft in ${transcriptFolder()}\n`);

describe.skipIf(!some)('transcripts of etcd-io/raft', () => {
  // Something to skip, where there is nothing to run.
  if (!some) it('are replayed', () => {});
  for (const { files, runner } of suites) {
    it.each(files)('$name', ({ name, text }) => {
      const mismatches = replay(name, text, runner());
      const [first] = mismatches;
      if (first) expect.fail(`${mismatches.length} steps differ, the first one at ${describeMismatch(first)}`);
    });
  }
});
