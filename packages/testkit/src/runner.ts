/** A test of any framework: vitest's, Jest's or node:test's `it` fits as it is. */
export interface TestFunction {
  (name: string, body: () => Promise<void>): unknown;
  /** Shows the test as skipped. */
  readonly skip: (name: string, body: () => Promise<void>) => unknown;
}

/** The two functions that the suites need of a test framework. They import none. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: TestFunction;
}
