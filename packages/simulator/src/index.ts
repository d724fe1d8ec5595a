/**
 * @packageDocumentation
 *
 * A world from a seed: machines with clocks, disks and a network, all of them simulated, in which the code that runs
 * in production runs unchanged. The same seed gives the same run.
 */
export { type FaultKind, type FaultOptions, type Faults, faults } from './faults.ts';
export type { DiskFaults, DiskOptions, HostDisk } from './host-disk.ts';
export type { CrashOptions, Host, HostOptions, Main } from './host.ts';
export type { LinkOptions } from './links.ts';
export { type Seed, seededRandom } from './seeded-random.ts';
export { SimulatedAuthority, type SimulatedNames } from './simulated-certificates.ts';
export type { Trace } from './trace.ts';
export { createWorld, type HostSet, type World, type WorldOptions } from './world.ts';
