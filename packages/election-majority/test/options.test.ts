import { describe, expect, it } from 'vitest';
import { majorityElection, type MajorityElectionOptions } from '../src/index.ts';

describe('majorityElection', () => {
  it.each<[MajorityElectionOptions, string]>([
    [{ voters: ['a', 'b', 'a'] }, 'voters[2] must be there once, got "a" again'],
    [{ voters: ['a', 'b c'] }, 'voters[1] must be a node id, got "b c"'],
    [
      { voters: ['a'], timings: { heartbeatMs: 100 } },
      'timings.heartbeatMs must be at most half of electionMinMs (150)',
    ],
    [{ voters: ['a'], timings: { electionMaxMs: 150 } }, 'timings.electionMaxMs must be greater than electionMinMs'],
  ])('names what is wrong: %j', (options, message) => {
    expect(() => majorityElection(options)).toThrow(message);
  });

  it('asks for durable storage unless votes are volatile by name', () => {
    expect(majorityElection({ voters: ['a'] }).requires).toContain('durable-storage');
    expect(majorityElection({ voters: ['a'], volatileVotes: true }).requires).not.toContain('durable-storage');
  });

  it('asks for a formation where the founders of the cluster vote', () => {
    expect(majorityElection({ voters: ['a'] }).requires).not.toContain('formation');
    expect(majorityElection({ voters: 'founders' }).requires).toEqual(['transport', 'durable-storage', 'formation']);
    expect(majorityElection({ voters: 'founders', volatileVotes: true }).requires).toEqual(['transport', 'formation']);
  });
});
