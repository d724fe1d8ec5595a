import { isRecord, type KubernetesObject } from '@quorate/engine-kubernetes';

import {
  choosePort,
  type Condition,
  idOfPod,
  isIncluded,
  listOf,
  type ReadingOptions,
  type ReadObject,
  zoneOf,
} from './found-endpoint.ts';

const NONE: ReadObject = { endpoints: [], problems: [] };
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** The endpoint that a pod is, once it has an address and until it has ended. */
export function readPod(pod: KubernetesObject, options: ReadingOptions): ReadObject {
  const { name, labels, deletionTimestamp } = pod.metadata;
  const status = isRecord(pod['status']) ? pod['status'] : {};
  const condition = conditionOf(status, deletionTimestamp !== undefined && deletionTimestamp !== null);
  const host = addressOf(status, options.addressType);
  const ended = status['phase'] === 'Succeeded' || status['phase'] === 'Failed';
  if (host === undefined || ended || !isIncluded(condition, options.include)) return NONE;
  const port = choosePort(portsOf(pod), 'containerPort', options.port);
  if (typeof port === 'string') return { endpoints: [], problems: [`pod ${name}: ${port}`] };
  const zone = isRecord(labels) ? labels[ZONE_LABEL] : undefined;
  const node = { host, port, ...idOfPod(name, options), ...zoneOf(zone) };
  return { endpoints: [{ node, family: host.includes(':') ? 'IPv6' : 'IPv4', condition }], problems: [] };
}

function conditionOf(status: Readonly<Record<string, unknown>>, terminating: boolean): Condition {
  const conditions = listOf(status['conditions']) ?? [];
  const serving = conditions.some((each) => isRecord(each) && each['type'] === 'Ready' && each['status'] === 'True');
  if (!serving) return 'neither';
  return terminating ? 'serving' : 'ready';
}

/** The pod's first address of the family, or of any. */
function addressOf(
  { podIP, podIPs }: Readonly<Record<string, unknown>>,
  family: 'IPv4' | 'IPv6' | undefined,
): string | undefined {
  const several = (listOf(podIPs) ?? []).map((each) => (isRecord(each) ? each['ip'] : undefined));
  const addresses = [podIP, ...several].filter((each) => typeof each === 'string' && each !== '') as readonly string[];
  return addresses.find((each) => family === undefined || each.includes(':') === (family === 'IPv6'));
}

function portsOf(pod: KubernetesObject): readonly unknown[] {
  const spec = isRecord(pod['spec']) ? pod['spec'] : {};
  return (listOf(spec['containers']) ?? []).flatMap((each) => (isRecord(each) ? (listOf(each['ports']) ?? []) : []));
}
