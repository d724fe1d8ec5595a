import { describe, expect, it } from 'vitest';
import { createCluster, type Logger, silentLogger } from '../src/index.ts';
import { nodeSystem } from '../src/node/index.ts';

describe('the system of a cluster', () => {
  it('is there once it was loaded', async () => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'silent' });
    expect(() => cluster.system).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    await cluster.start();
    expect(cluster.system.clock.now()).toBeGreaterThanOrEqual(0);
    await cluster.stop();
  });

  it('is the one that was handed in, with a logger of the cluster', async () => {
    const lines: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      info: (line) => void lines.push(line),
      warn: (line) => void lines.push(line),
    };
    const system = nodeSystem();
    const cluster = createCluster({ nodeId: 'a', enabled: false, system, logger, logLevel: 'warn' });
    const { clock, random, logger: own } = cluster.system;
    expect([clock, random]).toEqual([system.clock, system.random]);
    own.info('not asked for');
    own.warn('look here');
    expect(lines).toEqual(['a program: look here']);
  });
});
