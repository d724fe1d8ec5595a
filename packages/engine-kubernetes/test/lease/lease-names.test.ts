import { describe, expect, it } from 'vitest';

import { isObjectName, objectNamePart } from '../../src/index.ts';
import { formatHolder, nodeOfHolder } from '../../src/lease/holder-identity.ts';

describe('names', () => {
  it('of what is asked for become parts of objects’ names, another for each', () => {
    expect(objectNamePart('nightly-report')).toBe('nightly-report');
    expect(objectNamePart('a/b')).toBe('az2fb');
    expect(objectNamePart('zone')).toBe('z7aone');
    const names = [
      'a',
      'A',
      '-a',
      'a-',
      'a.b',
      'z',
      'zz',
      'z2d',
      'Ä b',
      'ä b',
      '😀',
      'a/b',
      'az2fb',
      'a-b',
      '-',
      '--',
      '---',
    ];
    const parts = names.map((name) => objectNamePart(name));
    expect(new Set(parts).size).toBe(names.length);
    for (const part of parts) expect(isObjectName(`locks.${part}`), part).toBe(true);
  });

  it('of holders tell the node, and the run of it', () => {
    const identity = { nodeId: 'a_b-1', incarnation: 1_732_000_000_000, claim: 3 };
    expect(formatHolder(identity)).toBe('a_b-1_1732000000000-3');
    expect(nodeOfHolder(formatHolder(identity))).toBe('a_b-1');
    expect(nodeOfHolder('ip-10-0-0-1_5c6e31c2-6b0e-4c0e-9d3c-2a4b8d8e9f10')).toMatch(/^ip-10-0-0-1_5c6e/u);
    expect(nodeOfHolder(' _1-1')).toBe(' _1-1');
    expect(nodeOfHolder('x'.repeat(5_000))).toHaveLength(256);
  });
});
