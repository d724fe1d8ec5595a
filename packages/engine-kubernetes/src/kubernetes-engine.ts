import { checkOptions, type Clock, ClusterError, invalidOption, type OptionRules, rule } from '@quorate/core';

import { KubernetesClient, type KubernetesClientOptions } from './client.ts';
import type { KubernetesHttp } from './http.ts';
import { isServer, type KubernetesAccess } from './kubernetes-access.ts';
import { accessSource } from './node/access-sources.ts';
import { NodeHttp } from './node/https.ts';

/** Which API server, and as whom. Without any of these: as a pod where there is one, else as kubectl would. */
export interface KubernetesEngineOptions extends KubernetesAccess {
  /**
   * Makes the way to the server, for each client its own. It goes with none of the others.
   * @default HTTPS of Node.js
   */
  readonly http?: () => KubernetesHttp;
}

/** A Kubernetes API, for the parts of a program that ask it. It holds nothing: each client has its own connections. */
export interface KubernetesEngine {
  /** Nothing is read and nobody is asked before the client's first call. */
  connect(clock: Clock, options?: KubernetesClientOptions): KubernetesClient;
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function kubernetesEngine(options: KubernetesEngineOptions = {}): KubernetesEngine {
  const { http, ...access }: KubernetesEngineOptions = checkOptions('kubernetesEngine', rules, options);
  checkTogether(http !== undefined, access);
  const way = http ?? (() => new NodeHttp(accessSource(access)));
  return { connect: (clock, settings) => new KubernetesClient(way(), clock, settings) };
}

const rules: OptionRules<KubernetesEngineOptions> = {
  kubeconfig: rule.text('the path of a kubeconfig'),
  context: rule.text('the name of a context'),
  server: rule.text('a URL of https, or of http on loopback, without a user', isServer),
  serviceAccount: rule.text('the path of a folder'),
  http: rule.value('a function that makes the way to the server', (value) => typeof value === 'function'),
};

function checkTogether(hasHttp: boolean, { kubeconfig, context, server, serviceAccount }: KubernetesAccess): void {
  const ofFile = kubeconfig ?? context;
  const ofPod = server ?? serviceAccount;
  if (hasHttp && (ofFile ?? ofPod) !== undefined)
    throw invalidOption('kubernetesEngine', 'http', 'alone', 'others beside it');
  if (ofFile !== undefined && ofPod !== undefined) {
    const message = 'kubernetesEngine: kubeconfig and context go with neither server nor serviceAccount';
    throw new ClusterError('INVALID_OPTIONS', message);
  }
}
