import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDemoOptions } from '../../src/demo/demo-options.ts';
import { readNodeOptions } from '../../src/node/node-options.ts';
import { exitCodeOf } from '../../src/node/part-options.ts';

let told = '';

beforeEach(() => {
  told = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    told += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** What the user is told, and the exit code. */
function refusal(read: () => unknown): { told: string; code: number } {
  try {
    read();
  } catch (error) {
    return { told, code: exitCodeOf(error) };
  }
  throw new Error('it was not refused');
}

describe('the options of the demo', () => {
  it('have defaults', () => {
    const parts = { discovery: 'static', election: 'raft', membership: 'connection', profile: 'lan' };
    const unset = { data: undefined, registry: undefined, elector: undefined, secret: undefined };
    expect(readDemoOptions([])).toEqual({ nodes: 3, script: false, port: 0, ...parts, ...unset });
  });

  it('are read', () => {
    const consul = ['--discovery', 'consul', '--registry', 'http://10.0.0.1:8500', '--port', '4040'];
    expect(readDemoOptions(consul)).toMatchObject({ registry: 'http://10.0.0.1:8500', port: 4040 });
    const argv = ['--nodes', '5', '--script', '--election', 'majority', '--profile', 'fast', '--data', '/tmp/x'];
    const read = { nodes: 5, script: true, election: 'majority', profile: 'fast', data: '/tmp/x' };
    expect(readDemoOptions(argv)).toMatchObject(read);
  });

  it.each(['static', 'dns', 'consul', 'etcd', 'kubernetes', 'multicast'])('name the discovery %s', (discovery) => {
    expect(readDemoOptions(['--discovery', discovery])).toMatchObject({ discovery, registry: undefined });
    expect(readNodeOptions(['--id', 'a', '--discovery', discovery])).toMatchObject({ discovery, peers: [] });
  });

  it.each([
    [['--election', 'coin'], 'Allowed choices are majority, raft, etcd, consul, kubernetes'],
    [['--discovery', 'coin'], 'Allowed choices are static'],
    [['--registry', 'http://10.0.0.1:8500'], '--discovery static asks nobody'],
    [['--discovery', 'dns', '--registry', 'x.test@127.0.0.1:53'], 'the demo starts a server and keeps its records'],
    [['--elector', 'http://10.0.0.1:8500'], '--election raft asks nobody'],
    [['--profile', 'slow'], 'Allowed choices are fast, lan, wan'],
    [['--membership', 'coin'], 'Allowed choices are connection, heartbeat, swim'],
    [['--secret', 'too short'], 'Expected at least 16 characters'],
    [['--nodes', '0'], 'Expected a whole number from 1 to 15'],
    [['--nodes', '3.5'], 'Expected a whole number from 1 to 15'],
    [['--nodes', '2', '--script'], '--script needs --nodes 3 or more'],
    [['--port', '70000'], 'Expected a whole number from 0 to 65535'],
    [['--nodse', '3'], 'unknown option'],
    [['more'], 'too many arguments'],
  ])('%j are refused', (argv, message) => {
    const refused = refusal(() => readDemoOptions(argv));
    expect(refused.told).toContain(message);
    expect(refused.code).toBe(1);
  });
});

describe('the options of a node', () => {
  const peers = 'a@127.0.0.1:7001,b@127.0.0.1:7002';

  it('make a cluster of one by default', () => {
    const options = readNodeOptions(['--id', 'b', '--port', '7002']);
    expect(options).toMatchObject({ id: 'b', bind: '127.0.0.1:7002', voters: ['b'], peers: [], insecure: false });
    expect(options.relay).toBeUndefined();
  });

  it('take the voters from the peers, unless they are given', () => {
    expect(readNodeOptions(['--id', 'b', '--peers', peers]).voters).toEqual(['b', 'a']);
    expect(readNodeOptions(['--id', 'd', '--peers', peers, '--voters', 'a,b']).voters).toEqual(['a', 'b']);
  });

  it('write an IPv6 address as one', () => {
    expect(readNodeOptions(['--id', 'b', '--host', '::1', '--port', '1']).bind).toBe('[::1]:1');
  });

  it('take the routes of a relay', () => {
    expect(readNodeOptions(['--id', 'b', '--relay', '7001=41,7002=42']).relay).toEqual(
      new Map([
        [7001, 41],
        [7002, 42],
      ]),
    );
  });

  it.each([
    [[], "required option '--id <id>' not specified"],
    [['--id', '-'], 'Expected letters, digits'],
    [['--id', 'a', '--port', '70000'], 'Expected a whole number from 0 to 65535'],
    [['--id', 'a', '--peers', '127.0.0.1:7001'], '--voters is needed'],
    [['--id', 'a', '--advertise', 'nowhere'], 'Expected host:port'],
    [['--id', 'a', '--relay', '7001'], 'Expected port=port'],
    [['--id', 'a', '--http', '0.0.0.0:80'], 'lets others in, and asks for no token'],
    [['--id', 'a', '--http-token', 'short'], 'Expected at least 16 characters'],
    [['--id', 'a', '--registry', 'http://10.0.0.1:8500'], '--discovery static asks nobody'],
    [['--id', 'a', '--elector', 'http://10.0.0.1:8500'], '--election raft asks nobody'],
    [['--id', 'a', '--log-level', 'loud'], 'Allowed choices are silent'],
  ])('%j are refused', (argv, message) => {
    const refused = refusal(() => readNodeOptions(argv));
    expect(refused.told).toContain(message);
    expect(refused.code).toBe(1);
  });
});

describe('what is to be kept secret is not shown when it is refused', () => {
  it.each([
    ['QUORATE_SECRET', 'swordfish'],
    ['QUORATE_HTTP_TOKEN', 'swordfish'],
    ['QUORATE_HTTP_TOKEN', 'swordfish that has more than 16 characters\n'],
  ])('as %s', (name, value) => {
    vi.stubEnv(name, value);
    const refused = refusal(() => readNodeOptions(['--id', 'a']));
    expect(refused.told).toContain(name);
    expect(refused.told).toContain('Expected at least 16 characters');
    expect(refused.told).not.toContain('swordfish');
  });

  it.each([
    ['--secret of the demo', () => readDemoOptions(['--secret', 'swordfish'])],
    ['--secret of a node', () => readNodeOptions(['--id', 'a', '--secret', 'swordfish'])],
    ['--http-token', () => readNodeOptions(['--id', 'a', '--http-token', 'swordfish'])],
  ])('as %s', (_, read) => {
    const refused = refusal(read);
    expect(refused.told).toContain('Expected at least 16 characters');
    expect(refused.told).not.toContain('swordfish');
    expect(refused.code).toBe(1);
  });
});

it('help is no failure', () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(refusal(() => readDemoOptions(['--help'])).code).toBe(0);
});
