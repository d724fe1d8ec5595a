import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answersOf, transcript } from './transcript.ts';

const FOLDER = new URL('transcripts/', import.meta.url);
// Set to write down what happens now instead of comparing: what changed is read in the diff.
const REWRITES = process.env['QUORATE_REWRITE_TRANSCRIPTS'] === '1';

describe('transcripts', () => {
  it.each(readdirSync(FOLDER).filter((name) => name.endsWith('.txt')))('%s', (name) => {
    const file = fileURLToPath(new URL(name, FOLDER));
    const text = readFileSync(file, 'utf8');
    const told = transcript(text);
    if (REWRITES) writeFileSync(file, told);
    else expect(answersOf(told)).toEqual(answersOf(text));
  });
});
