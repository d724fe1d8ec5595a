/**
 * @packageDocumentation
 *
 * How a cluster comes to be: its nodes find the one that there is, or form one, once.
 */
export { clusterFormation } from './cluster-formation.ts';
export type { ClusterFormationOptions } from './options.ts';
