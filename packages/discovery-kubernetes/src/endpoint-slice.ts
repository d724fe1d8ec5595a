import { isObjectName, isRecord, type KubernetesObject, quote } from '@quorate/engine-kubernetes';

import {
  type AddressFamily,
  choosePort,
  type Condition,
  type FoundEndpoint,
  idOfPod,
  isIncluded,
  listOf,
  type ReadingOptions,
  type ReadObject,
  zoneOf,
} from './found-endpoint.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** The endpoints of a slice. What is no endpoint is left out by name, and hides none that is. */
export function readSlice(slice: KubernetesObject, options: ReadingOptions): ReadObject {
  const what = `slice ${slice.metadata.name}`;
  const family = familyOf(slice['addressType']);
  const endpoints = listOf(slice['endpoints']);
  const ports = listOf(slice['ports']);
  if (family === undefined || endpoints === undefined || ports === undefined) {
    return { endpoints: [], problems: [`${what}: its address type, endpoints or ports are none`] };
  }
  if (endpoints.length === 0 || (options.addressType !== undefined && options.addressType !== family)) {
    return { endpoints: [], problems: [] };
  }
  const port = choosePort(ports, 'port', options.port);
  if (typeof port === 'string') return { endpoints: [], problems: [`${what}: ${port}`] };
  const found: FoundEndpoint[] = [];
  const problems: string[] = [];
  for (const endpoint of endpoints) {
    const read = readEndpoint(endpoint, family, port, options);
    if (typeof read === 'string') problems.push(`${what}: an endpoint was left out: ${read}`);
    else if (isIncluded(read.condition, options.include)) found.push(read);
  }
  return { endpoints: found, problems };
}

function readEndpoint(
  endpoint: unknown,
  family: AddressFamily,
  port: number,
  options: ReadingOptions,
): FoundEndpoint | string {
  if (!isRecord(endpoint)) return quote(endpoint);
  // All addresses of an endpoint are the same to its clients, who are to take the first.
  const host = listOf(endpoint['addresses'])?.[0];
  if (typeof host !== 'string') return `${quote(endpoint)} has no address`;
  const pod = podOf(endpoint);
  if (pod !== undefined && !isObjectName(pod)) return `${quote(pod)} is no name of a pod`;
  const zone = endpoint['zone'] ?? recordOf(endpoint['deprecatedTopology'])[ZONE_LABEL];
  const node = { host, port, ...idOfPod(pod, options), ...zoneOf(zone) };
  return { node, family, condition: conditionOf(recordOf(endpoint['conditions'])) };
}

/** The pod's name; a slice that somebody wrote by hand may tell the host name that the pod would have. */
function podOf({ targetRef, hostname }: Readonly<Record<string, unknown>>): unknown {
  const { kind, name } = recordOf(targetRef);
  return kind === 'Pod' ? name : (hostname ?? undefined);
}

/** What isn't said counts as good, as the API defines it. */
function conditionOf({ ready, serving }: Readonly<Record<string, unknown>>): Condition {
  if (ready !== false) return 'ready';
  return serving === true ? 'serving' : 'neither';
}

function familyOf(value: unknown): AddressFamily | undefined {
  return value === 'IPv4' || value === 'IPv6' || value === 'FQDN' ? value : undefined;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
