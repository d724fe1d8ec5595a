/**
 * @packageDocumentation
 *
 * Failure detectors: what turns the arrival of heartbeats into a judgement. Pure: the time is an argument.
 */
export type { FailureDetector, FailureDetectorFactory } from './failure-detector.ts';
export { fixedMisses, type FixedMissesOptions } from './fixed-misses.ts';
export { phiAccrual, type PhiAccrualOptions } from './phi-accrual.ts';
