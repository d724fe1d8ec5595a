import { readDemoOptions } from '../../src/demo/demo-options.ts';
import type { DemoOptions } from '../../src/demo/demo-options.ts';

/** Three nodes, as anybody would start them. */
export function demoOptions(): DemoOptions {
  return readDemoOptions([]);
}
