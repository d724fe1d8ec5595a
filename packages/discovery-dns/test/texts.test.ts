import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fullNames, isDnsName } from '../src/dns-name.ts';
import { inParallel } from '../src/in-parallel.ts';
import { canonicalIp, isUnicast } from '../src/ip-address.ts';
import { parseSettings } from '../src/resolver-settings.ts';

describe('resolv.conf', () => {
  it('is read as the system reads it: the last of a kind counts, and what is unknown is passed over', () => {
    const text = [
      '# nameserver 10.0.0.9',
      'nameserver 10.0.0.1 10.0.0.2',
      '\tnameserver\tFD00::0:1 ',
      'nameserver dns.test',
      'nameserver fe80::1%eth0',
      'domain first.test',
      'search second.test third.test -bad-',
      'options rotate ndots:99 ndots:x timeout:1',
      'sortlist 10.0.0.0/8',
    ].join('\r\n');
    expect(parseSettings(text)).toEqual({
      resolvers: ['10.0.0.1', 'fd00::1', 'fe80::1%eth0'].map((host) => ({ host, port: 53 })),
      search: ['second.test', 'third.test'],
      ndots: 15,
    });
    expect(parseSettings('search a.test\ndomain b.test c.test')).toMatchObject({ search: ['b.test'], ndots: 1 });
    const many = Array.from({ length: 40 }, (_, at) => `nameserver 10.0.0.${at}`);
    expect(parseSettings(many.join('\n')).resolvers).toHaveLength(16);
    expect(parseSettings('')).toEqual({ resolvers: [{ host: '127.0.0.1', port: 53 }], search: [], ndots: 1 });
  });

  it('may hold anything: there is somebody to ask, and no more than a few', () => {
    const line = fc.oneof(fc.string(), fc.constantFrom('nameserver 10.0.0.1', 'search a b c', 'options ndots:3'));
    const property = fc.property(fc.array(line, { maxLength: 100 }), (lines) => {
      const { resolvers, search, ndots } = parseSettings(lines.join('\n'));
      expect(resolvers.length >= 1 && resolvers.length <= 16 && search.length <= 32 && ndots <= 15).toBe(true);
    });
    fc.assert(property);
  });
});

describe('names', () => {
  it('are of labels that are not too long', () => {
    const long = `${'x'.repeat(63)}.`.repeat(3);
    for (const name of ['a', '_quorate._tcp.test.', 'a-b.c', '10', `${long}${'x'.repeat(61)}`]) {
      expect(isDnsName(name), name).toBe(true);
    }
    for (const name of ['', '.', 'a..b', '.a', '-a', 'a-', 'a b', 'ä', 'x'.repeat(64), `${long}${'x'.repeat(62)}`]) {
      expect(isDnsName(name), name).toBe(false);
    }
  });

  it('are completed by the number of their dots', () => {
    const rules = { search: ['One.test', 'two.test.'], ndots: 2 };
    expect(fullNames('A.b', rules)).toEqual(['a.b.one.test', 'a.b.two.test', 'a.b']);
    expect(fullNames('a.b.c', rules)).toEqual(['a.b.c', 'a.b.c.one.test', 'a.b.c.two.test']);
    expect(fullNames('a.', rules)).toEqual(['a']);
    expect(fullNames('a', { search: ['x'.repeat(63), 'test', 'test'], ndots: 1 })).toEqual([
      `a.${'x'.repeat(63)}`,
      'a.test',
      'a',
    ]);
  });
});

describe('IP addresses', () => {
  it('have one form', () => {
    expect(canonicalIp('10.0.0.1')).toBe('10.0.0.1');
    expect(canonicalIp('FD00:0::0001')).toBe('fd00::1');
    expect(canonicalIp('fe80::1%eth0')).toBe('fe80::1%eth0');
    for (const text of [
      '',
      '10.0.0',
      '10.0.0.256',
      '1.2.3.4.',
      '::1::',
      'undefined.undefined.undefined.undefined',
      'a',
      ':',
    ]) {
      expect(canonicalIp(text), text).toBeUndefined();
    }
  });

  it('are those of one machine, or not', () => {
    const each = [
      '10.0.0.1',
      '127.0.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      'fd00::1',
      '::',
      'ff02::1',
    ];
    expect(each.filter(isUnicast)).toEqual(['10.0.0.1', '127.0.0.1', '::1', 'fd00::1']);
  });
});

describe('calls in parallel', () => {
  it('are so many at a time, and all of them', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(new Set(done)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
  });

  it('end with the first that fails, once those under way are done', async () => {
    const done: number[] = [];
    const failing = inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      if (item === 1) throw new Error('one');
      await Promise.resolve();
      done.push(item);
    });
    await expect(failing).rejects.toThrow('one');
    expect(done).toEqual([2]);
  });
});
