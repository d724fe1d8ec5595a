import { describe, expect, it } from 'vitest';
import { checkOptions, isClusterError, readClusterOptions, rule } from '../src/index.ts';
import { fakeTransport, FakeTransport } from './fake-parts.ts';

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (isClusterError(error, 'INVALID_OPTIONS')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('checkOptions', () => {
  const rules = {
    atMs: rule.duration({ min: 1, max: 10 }),
    count: rule.integer({ min: 1 }),
    on: rule.flag(),
    mode: rule.oneOf('a', 'b'),
    where: rule.address(),
    many: rule.list(rule.address()),
    nested: rule.group<{ readonly deep?: string }>('owner: nested', { deep: rule.text() }),
  };
  const check = (given: unknown) => checkOptions<object>('owner', rules, given);

  it('returns what was given in normal form, without what is undefined', () => {
    const given = { atMs: 1.5, count: undefined, where: 'a:1', many: ['[::1]:2', { host: 'b', port: 3, extra: 1 }] };
    expect(check(given)).toEqual({
      atMs: 1.5,
      where: { host: 'a', port: 1 },
      many: [
        { host: '::1', port: 2 },
        { host: 'b', port: 3 },
      ],
    });
  });

  it.each([
    [{ atMs: 0 }, 'owner: atMs must be a number of milliseconds from 1 to 10, got 0'],
    [{ atMs: Number.NaN }, 'owner: atMs must be a number of milliseconds from 1 to 10, got NaN'],
    [{ atMs: '5' }, 'owner: atMs must be a number of milliseconds from 1 to 10, got "5"'],
    [{ count: 1.5 }, 'owner: count must be an integer from 1, got 1.5'],
    [{ on: 1 }, 'owner: on must be true or false, got 1'],
    [{ mode: 'c' }, 'owner: mode must be one of a, b, got "c"'],
    [{ where: 'nowhere' }, 'owner: where must be host:port, got "nowhere"'],
    [{ many: ['a:1', 'b'] }, 'owner: many[1] must be host:port, got "b"'],
    [{ many: 'a:1' }, 'owner: many must be a list, each host:port, got "a:1"'],
    [{ nested: { deep: '' } }, 'owner: nested: deep must be a text that is not empty, got ""'],
    [{ nested: [] }, 'owner: nested must be an object, got a list'],
    [{ toString: 1 }, 'owner: there is no option toString'],
    [null, 'owner: options must be an object, got null'],
    [[], 'owner: options must be an object, got a list'],
  ])('refuses %j', (given, message) => expect(refusal(() => check(given))).toBe(message));
});

describe('readClusterOptions', () => {
  it('takes options before variables before JSON, timing by timing', () => {
    const json = JSON.stringify({
      nodeId: 'json',
      zone: 'json',
      region: 'json',
      timings: { startTimeoutMs: 1, stopStepTimeoutMs: 1, unreachableAfterMs: 1 },
    });
    const env = {
      QUORATE_NODE_ID: 'env',
      QUORATE_ZONE: 'env',
      QUORATE_TIMINGS_START_TIMEOUT_MS: '2',
      QUORATE_TIMINGS_STOP_STEP_TIMEOUT_MS: '2',
      HOME: '/',
    };
    const options = { nodeId: 'program', timings: { startTimeoutMs: 3 }, zone: undefined };
    expect(readClusterOptions({ json, env, options: options as object })).toEqual({
      nodeId: 'program',
      zone: 'env',
      region: 'json',
      timings: { startTimeoutMs: 3, stopStepTimeoutMs: 2, unreachableAfterMs: 1 },
    });
  });

  it('passes over what Kubernetes sets for a service of that name', () => {
    const env = {
      QUORATE_SERVICE_HOST: '10.96.0.12',
      QUORATE_SERVICE_PORT: '7001',
      QUORATE_SERVICE_PORT_PEERS: '7001',
      QUORATE_PORT: 'tcp://10.96.0.12:7001',
      QUORATE_PORT_7001_TCP: 'tcp://10.96.0.12:7001',
      QUORATE_PORT_7001_TCP_ADDR: '10.96.0.12',
      QUORATE_PEERS_SERVICE_HOST: '10.96.0.13',
    };
    expect(readClusterOptions({ env, options: { nodeId: 'a' } })).toEqual({ nodeId: 'a' });
  });

  it('reads every kind of value from variables', () => {
    const transport = fakeTransport(new FakeTransport());
    const env = {
      QUORATE_NODE_ID: 'a',
      QUORATE_BIND: '[::]:7001',
      QUORATE_ADVERTISE: 'a.example.com:7001',
      QUORATE_SEED_NODES: 'b:1, [::1]:2',
      QUORATE_CLUSTER_NAME: 'shop',
      QUORATE_CLUSTER_ID: 'c1',
      QUORATE_ENABLED: 'false',
      QUORATE_WEIGHT: '1.5',
      QUORATE_METADATA: '{"rack":"7"}',
      QUORATE_REPLICATION_FACTOR: '5',
      QUORATE_CONSISTENCY: 'linearizable',
      QUORATE_CAMPAIGN: '0',
      QUORATE_LOG_LEVEL: 'silent',
      QUORATE_DEBUG: 'wire,election',
    };
    expect(readClusterOptions({ env, options: { transport } })).toEqual({
      nodeId: 'a',
      bind: { host: '::', port: 7001 },
      advertise: { host: 'a.example.com', port: 7001 },
      seedNodes: [
        { host: 'b', port: 1 },
        { host: '::1', port: 2 },
      ],
      name: 'shop',
      clusterId: 'c1',
      enabled: false,
      weight: 1.5,
      metadata: { rack: '7' },
      replicationFactor: 5,
      consistency: 'linearizable',
      campaign: false,
      logLevel: 'silent',
      debug: 'wire,election',
      transport,
    });
  });

  it.each([
    [{ env: { QUORATE_NODE_IDS: 'a' } }, 'there is no variable QUORATE_NODE_IDS'],
    [{ env: { QUORATE_PORT: '7001' } }, 'there is no variable QUORATE_PORT'],
    [{ env: { QUORATE_TRANSPORT: 'tcp' } }, 'there is no variable QUORATE_TRANSPORT'],
    [{ env: { QUORATE_BIND: '7001' } }, 'QUORATE_BIND must be host:port, got "7001"'],
    [{ env: { QUORATE_SEED_NODES: 'a:1,' } }, 'QUORATE_SEED_NODES must be a list, each host:port, got "a:1,"'],
    [{ env: { QUORATE_METADATA: '{' } }, 'QUORATE_METADATA must be an object whose values are texts, got "{"'],
    [
      { env: { QUORATE_TIMINGS_START_TIMEOUT_MS: '' } },
      'QUORATE_TIMINGS_START_TIMEOUT_MS must be a number of milliseconds from 1 to 3600000, got ""',
    ],
    [{ json: '{"seedNodes":["a:1",7]}' }, 'JSON: seedNodes[1] must be host:port, got 7'],
    [
      { json: '{"timings":{"startTimeoutMs":"1"}}' },
      'JSON: timings: startTimeoutMs must be a number of milliseconds from 1 to 3600000, got "1"',
    ],
    [{ json: '{"transport":{}}' }, 'JSON: there is no option transport'],
    [{ json: '[]' }, 'JSON: options must be an object, got a list'],
    [undefined, 'readClusterOptions: options must be an object, got undefined'],
    [{ environment: {} }, 'readClusterOptions: there is no option environment'],
    [{ json: {} }, 'readClusterOptions: json must be a JSON text, got an object'],
    [{}, 'nodeId must be given: as an option, QUORATE_NODE_ID or nodeId in JSON'],
  ])('refuses %j', (sources, message) => expect(refusal(() => readClusterOptions(sources as never))).toBe(message));

  it('quotes where a JSON text breaks', () => {
    expect(refusal(() => readClusterOptions({ json: '{' }))).toMatch(
      /^JSON: the options cannot be parsed: SyntaxError/u,
    );
  });
});
