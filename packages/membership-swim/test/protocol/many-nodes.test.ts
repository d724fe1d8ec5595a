import { describe, expect, it } from 'vitest';
import { Swim } from '../../src/protocol/swim.ts';
import { PROMISES } from './promises.ts';

describe('many nodes', () => {
  it.each(Object.entries(PROMISES))('%s', (_, promised) => {
    for (const seed of [1, 2]) expect({ seed, broken: promised(Swim, seed) }).toEqual({ seed, broken: [] });
  });
});
