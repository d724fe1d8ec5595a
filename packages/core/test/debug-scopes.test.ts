import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeSystem } from '../src/node/index.ts';
import { type ClusterOptions, isClusterError, type Logger, silentLogger } from '../src/index.ts';
import { scene } from './cluster-scene.ts';
import { manualSystem } from './manual-clock.ts';

afterEach(() => void vi.unstubAllEnvs());

/** Which of two scopes the parts of a started cluster log in detail, and what its transport's logger lets through. */
async function detailed(options: Partial<ClusterOptions>): Promise<{ scopes: string[]; transport: string[] }> {
  const lines: string[] = [];
  const logger: Logger = { ...silentLogger, debug: (message) => void lines.push(message) };
  const { cluster, transport } = scene({ logger, ...options });
  await cluster.start();
  transport.context?.logger.debug('a frame');
  const scopes = ['wire', 'election'].filter((scope) => transport.context?.debug.has(scope));
  await cluster.stop();
  return { scopes, transport: lines };
}

describe('details', () => {
  it.each<[string, Partial<ClusterOptions>, string[], string[]]>([
    ['none by default', {}, [], []],
    ['those named, whatever the level', { debug: 'wire', logLevel: 'silent' }, ['wire'], ['a transport: a frame']],
    [
      'those of the machine',
      { system: { ...manualSystem(), debug: new Set(['wire']) } },
      ['wire'],
      ['a transport: a frame'],
    ],
    [
      "the cluster's rather than the machine's",
      { system: { ...manualSystem(), debug: new Set(['wire']) }, debug: 'x' },
      [],
      [],
    ],
    ['all of them at the level debug', { logLevel: 'debug' }, ['wire', 'election'], ['a transport: a frame']],
  ])('are %s', async (_, options, scopes, transport) => {
    expect(await detailed(options)).toEqual({ scopes, transport });
  });

  it('of the real machine are those of QUORATE_DEBUG, unless the program says', () => {
    vi.stubEnv('QUORATE_DEBUG', 'wire,election');
    expect(nodeSystem().debug).toEqual(new Set(['wire', 'election']));
    expect(nodeSystem({ debug: 'election' }).debug).toEqual(new Set(['election']));
    vi.stubEnv('QUORATE_DEBUG', undefined);
    expect(nodeSystem().debug).toEqual(new Set());
  });

  it.each([7, 'wire;election'])('refuses %j of the program', (debug) => {
    const refused = () => nodeSystem({ debug: debug as string });
    expect(refused).toThrow(expect.toSatisfy((error) => isClusterError(error, 'INVALID_OPTIONS')));
  });
});

describe('the logger of a cluster', () => {
  it.each<[Partial<ClusterOptions>, string[]]>([
    [{}, ['starting', 'running', 'stopping', 'stopped'].map((status) => `a cluster: ${status}`)],
    [{ logLevel: 'warn' }, []],
  ])('tells from the first word on who speaks, as loud as %j has it', async (options, expected) => {
    const lines: string[] = [];
    const logger: Logger = { ...silentLogger, info: (message) => void lines.push(message) };
    const { cluster } = scene({ logger, ...options });
    await cluster.start();
    await cluster.stop();
    expect(lines).toEqual(expected);
  });

  it('also takes what the real machine reports', async () => {
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => void errors.push(message) };
    const { cluster, transport } = scene({ logger, system: undefined } as never);
    await cluster.start();
    const { net } = transport.context ?? expect.unreachable();
    const listener = await net.listen({ host: '127.0.0.1', port: 0 }, () => expect.unreachable());
    const closed = Promise.withResolvers<void>();
    await net.connect(listener.address, {
      data: () => undefined,
      drain: () => undefined,
      close: () => closed.resolve(),
    });
    await closed.promise;
    expect(errors).toEqual(['net: accepting a connection failed']);
    await listener[Symbol.asyncDispose]();
    await cluster.stop();
  });
});
