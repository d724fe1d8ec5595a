/**
 * @packageDocumentation
 *
 * What the contracts of Quorate promise, as tests that an adapter's author runs with any test framework.
 */
export { discoveryContract } from './discovery-contract.ts';
export type { DiscoveryHarness } from './discovery-fixture.ts';
export { ExpectationError } from './expectations.ts';
export type { RefusedOptions } from './lifecycle.ts';
export type { Runner, TestFunction } from './runner.ts';
export type { Harness } from './suite.ts';
