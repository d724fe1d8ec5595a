import { afterEach, describe, expect, it } from 'vitest';

import { CertificateFiles } from '../src/certificates.ts';
import { type CertificateSet, ClusterError, type Disk, type Net, silentLogger } from '../src/index.ts';
import { ManualClock } from './manual-clock.ts';

const LOOK_MS = 10_000;
const opened: CertificateFiles[] = [];

afterEach(async () => {
  for (const files of opened.splice(0)) await files[Symbol.asyncDispose]();
});

/** Files that a test writes, of certificates that say `NAME FROM TO`. */
async function open(first: CertificateSet) {
  const clock = new ManualClock();
  const written: Record<string, string> = {};
  const write = (set: Partial<CertificateSet>) => void Object.assign(written, set);
  write(first);
  const disk = {
    open: (path: string) => {
      const bytes = new TextEncoder().encode(written[path]);
      return Promise.resolve({
        size: () => Promise.resolve(bytes.length),
        read: (into: Uint8Array) => {
          into.set(bytes);
          return Promise.resolve(bytes.length);
        },
        close: () => Promise.resolve(),
      });
    },
  } as unknown as Disk;
  const inspectCertificates: Net['inspectCertificates'] = ({ cert }) => {
    const [commonName, from, to] = cert.split(' ');
    const [validFrom, validTo] = [Number(from), Number(to)];
    if (clock.now() < validFrom) throw new ClusterError('INVALID_OPTIONS', 'not valid yet');
    if (clock.now() > validTo) throw new ClusterError('INVALID_OPTIONS', 'expired');
    return { commonName, dnsNames: [], uris: [], serial: '1', validFrom, validTo };
  };
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
  const files = new CertificateFiles({ cert: 'cert', key: 'key', ca: 'ca', reloadIntervalMs: LOOK_MS }, 'orders', 'a');
  opened.push(files);
  await files.open({ disk, clock, logger, net: { inspectCertificates } as Net });
  return { clock, write, files, lines };
}

const first = { cert: 'a 0 100000', key: 'key 1', ca: 'ca 1' };

describe('certificates that have changed', () => {
  it('are used once nothing more is written', async () => {
    const { clock, write, files } = await open(first);
    await clock.advance(LOOK_MS - 500);
    write({ ca: 'ca 1, ca' });
    await clock.advance(1_000);
    write({ ca: 'ca 1, ca 2' });
    await clock.advance(1_000);
    expect(files.current).toEqual(first);
    await clock.advance(2 * LOOK_MS);
    expect(files.current).toEqual({ ...first, ca: 'ca 1, ca 2' });
  });

  it('are used when they become valid, and what is wrong is said once', async () => {
    const { clock, write, files, lines } = await open(first);
    const next = { cert: 'a 50000 200000', key: 'key 2', ca: 'ca 1' };
    write(next);
    await clock.advance(40_000);
    expect(files.current).toEqual(first);
    expect(lines).toEqual([expect.stringMatching(/have changed and can't be used.*not valid yet/u)]);
    await clock.advance(30_000);
    expect(files.current).toEqual(next);
  });

  it('are warned of when nobody has replaced them in time', async () => {
    const { clock, lines } = await open(first);
    await clock.advance(90_000);
    expect(lines).toEqual([]);
    await clock.advance(90_000);
    expect(lines).toEqual([expect.stringMatching(/in force are no good: expired/u)]);
  });

  it('are looked at no more once closed, though a look is under way', async () => {
    const { clock, write, files, lines } = await open(first);
    write({ ca: 'ca 2' });
    await clock.advance(LOOK_MS + 500);
    await files[Symbol.asyncDispose]();
    await clock.advance(90_000);
    expect([files.current, lines, clock.pending]).toEqual([first, [], 0]);
  });
});
