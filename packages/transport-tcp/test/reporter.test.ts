import { silentLogger } from '@quorate/core';
import { expect, it } from 'vitest';
import { Reporter } from '../src/reporter.ts';
import { realSystem } from './harness.ts';

it('what peers chose of a message is one line, of what can be seen, and not too long', () => {
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void lines.push(message) };
  const reporter = new Reporter({ ...realSystem.clock, now: () => 1 }, logger);
  reporter.warn('a', 'refused "x\n2026 error: all is lost\u001b[2J\u202e"');
  reporter.warn('b', 'y'.repeat(8000));
  reporter.warn('b', 'again');
  expect(lines[0]).toBe(String.raw`transport-tcp: refused "x\u{a}2026 error: all is lost\u{1b}[2J\u{202e}"`);
  expect(lines[1]?.length).toBeLessThan(1100);
  expect(lines).toHaveLength(2);
});
