import { checkOptions, invalidOption, type OptionRules, type PollingOptions, pollingRules, rule } from '@quorate/core';
import { isObjectName, type KubernetesEngine, kubernetesEngine } from '@quorate/engine-kubernetes';

import type { Inclusion } from './found-endpoint.ts';

/** What `kubernetesDiscovery` is told. */
export interface KubernetesDiscoveryOptions extends Pick<PollingOptions, 'timeoutMs' | 'backoff'> {
  /**
   * Which Kubernetes, and as whom, as from `kubernetesEngine()`. Several parts of a cluster may share one.
   * @default kubernetesEngine(): as the pod it runs in, else as kubectl would
   */
  readonly engine?: KubernetesEngine;
  /** The service whose endpoints the nodes are. Either this or `podSelector` is needed. */
  readonly service?: string;
  /** The labels of the pods that the nodes are in, as in `app=web,tier!=front`; for pods without a service. */
  readonly podSelector?: string;
  /**
   * The namespace of service or pods.
   * @default that of the credentials: in a pod, its own
   */
  readonly namespace?: string;
  /**
   * The port that nodes listen on: its number, or its name in the service or pod.
   * @default the only one there is
   */
  readonly port?: number | string;
  /**
   * Which endpoints count: those that are ready; also those that serve while they terminate; or all.
   * @default 'ready'
   */
  readonly include?: Inclusion;
  /**
   * Takes addresses of this family only.
   * @default any; of a node that has both, that of IPv4
   */
  readonly addressType?: 'IPv4' | 'IPv6';
  /**
   * Whether a pod's name is the id of the node in it, as where `nodeId` is the pod's host name.
   * @default true
   */
  readonly podNamesAreIds?: boolean;
  /**
   * How long one watch lasts. A connection that was lost in silence is noticed this long and `timeoutMs` later.
   * @default 60000
   */
  readonly watchMs?: number;
  /**
   * For how long changes are gathered before they are told: they come in bursts when many pods start.
   * @default 100
   */
  readonly gatherMs?: number;
  /**
   * Name of the config map that holds what the cluster was formed with, where the cluster forms itself.
   * @default 'quorate-' and the service, or 'quorate' without one
   */
  readonly claimName?: string;
}

export interface DiscoverySettings
  extends
    Required<Omit<KubernetesDiscoveryOptions, 'service' | 'podSelector' | 'namespace' | 'port' | 'addressType'>>,
    Pick<KubernetesDiscoveryOptions, 'namespace'> {
  /** Undefined where pods are asked for. */
  readonly service: string | undefined;
  readonly labelSelector: string;
  readonly port: number | string | undefined;
  readonly addressType: 'IPv4' | 'IPv6' | undefined;
}

const OWNER = 'kubernetesDiscovery';
const SERVICE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/u;
const PORT_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/u;
/** What a label selector is made of; what it means is for the server to judge. */
const SELECTOR = /^[\w./,=!() -]{1,1000}$/u;

const rules: OptionRules<KubernetesDiscoveryOptions> = {
  engine: rule.value('an engine, as from kubernetesEngine()', isEngine),
  service: rule.text('the name of a service', (text) => SERVICE.test(text)),
  podSelector: rule.text('a label selector, such as app=web', (text) => SELECTOR.test(text) && text.trim() !== ''),
  namespace: rule.text('the name of a namespace', (text) => SERVICE.test(text)),
  port: rule.value('a port from 1 to 65535, or the name of one', isPort),
  include: rule.oneOf('ready', 'serving', 'all'),
  addressType: rule.oneOf('IPv4', 'IPv6'),
  podNamesAreIds: rule.flag(),
  watchMs: rule.duration({ min: 1_000, max: 3_600_000 }),
  gatherMs: rule.duration({ min: 0, max: 60_000 }),
  claimName: rule.text('the name of a config map', isObjectName),
  timeoutMs: pollingRules.timeoutMs,
  backoff: pollingRules.backoff,
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readDiscoveryOptions(options: KubernetesDiscoveryOptions): DiscoverySettings {
  const given: KubernetesDiscoveryOptions = checkOptions(OWNER, rules, options);
  const { service, podSelector } = given;
  if ((service === undefined) === (podSelector === undefined)) {
    throw invalidOption(
      OWNER,
      'service or podSelector',
      'given, one of them',
      service === undefined ? undefined : 'both',
    );
  }
  const { backoff = { baseMs: 1_000, maxMs: 30_000 } } = given;
  if (backoff.baseMs > backoff.maxMs) throw invalidOption(OWNER, 'backoff', 'no longer at first than at most', backoff);
  return {
    engine: given.engine ?? kubernetesEngine(),
    service,
    labelSelector: podSelector ?? `kubernetes.io/service-name=${service}`,
    ...(given.namespace === undefined ? {} : { namespace: given.namespace }),
    port: given.port,
    include: given.include ?? 'ready',
    addressType: given.addressType,
    podNamesAreIds: given.podNamesAreIds ?? true,
    watchMs: given.watchMs ?? 60_000,
    gatherMs: given.gatherMs ?? 100,
    claimName: given.claimName ?? (service === undefined ? 'quorate' : `quorate-${service}`),
    timeoutMs: given.timeoutMs ?? 5_000,
    backoff,
  };
}

function isEngine(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as Partial<KubernetesEngine>).connect === 'function'
  );
}

function isPort(value: unknown): boolean {
  if (typeof value === 'string') return PORT_NAME.test(value) && /[a-z]/u.test(value);
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
}
