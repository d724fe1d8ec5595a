import { readDemoOptions } from '../../src/demo/demo-options.ts';
import type { DemoOptions } from '../../src/demo/demo-options.ts';

/** Three nodes, with timings that also hold where browser, clients and nodes share few cores. */
export function demoOptions(): DemoOptions {
  return readDemoOptions(['--profile', 'wan']);
}
