/**
 * @packageDocumentation
 *
 * A thin client of the Kubernetes API: the calls that discovery and elections need, with deadlines and bounds, and
 * credentials that are read anew for each request.
 */
export {
  KubernetesClient,
  type KubernetesClientOptions,
  MAX_ANSWER_BYTES,
  MAX_EVENT_BYTES,
  type PageOptions,
} from './client.ts';
export {
  type KubernetesRecord,
  type KubernetesRecords,
  kubernetesRecords,
  type KubernetesRecordsOptions,
} from './config-map-records.ts';
export { followObjects, listAll, MAX_OBJECTS, type ObjectsFollower } from './follow-objects.ts';
export type { HttpAnswer, HttpRequest, KubernetesHttp } from './http.ts';
export type { KubernetesAccess } from './kubernetes-access.ts';
export { type KubernetesEngine, kubernetesEngine, type KubernetesEngineOptions } from './kubernetes-engine.ts';
export {
  isRecord,
  type KubernetesObject,
  type ObjectList,
  type ObjectMetadata,
  type ObjectPage,
  quote,
} from './object.ts';
export { isObjectName, type KubernetesResource, type Selection } from './resource.ts';
export { isExpired, type KubernetesStatus, statusOf } from './status.ts';
export type { WatchEvent } from './watch-event.ts';
export {
  kubernetesLeases,
  type KubernetesLeasesOptions,
  kubernetesLeasesRules,
  type LeaseUse,
  MIN_LEASE_MS,
} from './lease/kubernetes-leases.ts';
export { objectNamePart } from './lease/object-name.ts';
