import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { BROKER_LIMITS } from '../../src/broker/limits.ts';
import { readNodeOptions } from '../../src/node/node-options.ts';
import { podArguments, podMemory, readCompose, readDeployFile, unitArguments } from './deploy-files.ts';

// The options are read by what reads them in a node: a name that is none ends the process there.
describe('what the files for deployment start', () => {
  beforeEach(() => {
    vi.stubEnv('QUORATE_SECRET', 'a secret of the test');
    vi.stubEnv('QUORATE_HTTP_TOKEN', 'a-token-of-the-test');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const { services, volumes, secrets } = readCompose();
  const composed = Object.entries(services).map(([name, service]) => ({ name, service }));

  it.each(composed)('is a node by compose: $name', ({ name, service }) => {
    const options = readNodeOptions(service.command.trim().split(/\s+/u));
    expect(options).toMatchObject({ id: name, advertise: `${service.hostname}:7000`, secret: 'a secret of the test' });
    expect(options.http).toEqual({ host: '0.0.0.0', port: 8080, token: 'a-token-of-the-test' });
    expect([...options.voters].toSorted()).toEqual(Object.keys(services).toSorted());
    expect(service.volumes).toEqual([`${name}:${options.data}`]);
  });

  it.each(composed)('has by compose what it refers to: $name', ({ service }) => {
    for (const volume of service.volumes) expect(Object.keys(volumes)).toContain(volume.split(':', 1)[0]);
    for (const file of Object.values(service.environment)) {
      expect(service.secrets).toContain(file.replace('/run/secrets/', ''));
    }
    expect(Object.keys(secrets)).toEqual(service.secrets);
    expect(service.healthcheck.test.join(' ')).toContain(':8080/livez');
  });

  it('is a node by systemd', () => {
    const options = readNodeOptions(unitArguments('--peers b@10.0.0.2:7000,c@10.0.0.3:7000 --advertise 10.0.0.1:7000'));
    expect(options).toMatchObject({ id: 'a', voters: ['a', 'b', 'c'], data: '/var/lib/quorate', insecure: false });
  });

  it('is a node by Kubernetes', () => {
    const options = readNodeOptions(podArguments());
    expect(options).toMatchObject({ id: 'broker-0', cluster: 'broker', registry: 'broker:cluster' });
    expect(options).toMatchObject({ discovery: 'kubernetes', election: 'kubernetes', advertise: '10.1.2.3:7000' });
    expect(options.voters).toEqual(['broker-0', 'broker-1', 'broker-2']);
  });

  it('has memory for a broker that is as full as it may be', () => {
    const [, heapMiB = ''] = /--max-old-space-size=(\d+) /u.exec(readDeployFile('entrypoint.sh')) ?? [];
    const heap = Number(heapMiB) * 2 ** 20;
    const { bytes, messages, ids } = BROKER_LIMITS;
    // As was measured of messages of 512 bytes, beside these bytes, and of ids; and half as much again, to work with.
    expect(heap).toBeGreaterThan(1.5 * (bytes + 200 * messages + 80 * ids));
    expect(podMemory()).toBeGreaterThanOrEqual(heap + 512 * 2 ** 20);
  });

  it('keeps secrets out of arguments and of files that are committed', () => {
    const all = ['compose.yaml', 'quorate-broker@.service', 'kubernetes/stateful-set.yaml']
      .map(readDeployFile)
      .join('');
    expect(all).not.toMatch(/--secret|--http-token|QUORATE_SECRET[=:]|QUORATE_HTTP_TOKEN[=:]/u);
    expect(readDeployFile('kubernetes/secret.template.yaml')).toMatch(/secret: ''\n.*\n.*token: ''\n$/u);
  });
});
