// Everything that must hold before a change lands, in the order in which it fails fastest.
// The file that QUORATE_CHECK_REPORT names, if any, gets { passed, failed, skipped } as JSON.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A step that hangs is a failure to be reported, not to be waited for. */
const STEP_TIMEOUT_MS = 600_000;
/** What stands on Kubernetes takes minutes: it is tested where its programs' folder is named, and by .ci/run. */
const NO_KUBERNETES = '/none';
const scratch = mkdtempSync(path.join(tmpdir(), 'quorate-check-'));
const testReport = path.join(scratch, 'tests.json');

/** @type {readonly (readonly [name: string, command: string, args: readonly string[]])[]} */
const steps = [
  ['types', 'tsc', ['--noEmit', '-p', 'tsconfig.json']],
  ['types in the browser', 'tsc', ['-p', 'apps/demo/src/dashboard/browser/tsconfig.json']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['format', 'oxfmt', ['--check']],
  ['build and packaging', 'turbo', ['run', 'build', 'packaging', '--output-logs=errors-only']],
  ['unused code and dependencies', 'knip', []],
  ['tests', 'vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${testReport}`]],
];

const totals = { passed: 0, failed: 0, skipped: 0 };
for (const [name, command, args] of steps) {
  const started = performance.now();
  // Hundreds of processes, one for each file of tests and many for nodes, load the same: the first leaves it compiled.
  const compiled = { NODE_COMPILE_CACHE: path.join(scratch, 'compiled') };
  const env = {
    ...compiled,
    QUORATE_KUBERNETES: NO_KUBERNETES,
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
  };
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    env,
    timeout: STEP_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const ok = status === 0;
  console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`);
  if (name === 'tests') countTests(ok);
  else totals[ok ? 'passed' : 'failed'] += 1;
}
rmSync(scratch, { recursive: true });

console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
const report = process.env.QUORATE_CHECK_REPORT;
if (report !== undefined) writeFileSync(report, JSON.stringify(totals));
process.exitCode = totals.failed === 0 ? 0 : 1;

function countTests(ok) {
  let counts = {};
  try {
    counts = JSON.parse(readFileSync(testReport, 'utf8'));
  } catch {
    // The runner died before it could report; counted as one failure below.
  }
  totals.passed += counts.numPassedTests ?? 0;
  totals.skipped += counts.numPendingTests ?? 0;
  const failed = counts.numFailedTests ?? 0;
  totals.failed += ok ? failed : Math.max(1, failed);
}
