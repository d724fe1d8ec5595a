import { ClusterError, invalidOption, type OptionRules, rule } from '@quorate/core';

/** Which API server, and as whom. Without any of these: as a pod where there is one, else as kubectl would. */
export interface KubernetesAccess {
  /**
   * Path of a kubeconfig.
   * @default in a pod none; elsewhere what the environment variable `KUBECONFIG` names, or `~/.kube/config`
   */
  readonly kubeconfig?: string;
  /**
   * The context of the kubeconfig.
   * @default its current one
   */
  readonly context?: string;
  /**
   * The API server's URL, for access as a service account.
   * @default the one that a pod's environment tells
   */
  readonly server?: string;
  /**
   * Folder with the files `token`, `ca.crt` and `namespace` of a service account.
   * @default '/var/run/secrets/kubernetes.io/serviceaccount'
   */
  readonly serviceAccount?: string;
}

/** To be spread into the rules of an adapter's options. */
export const accessRules: OptionRules<KubernetesAccess> = {
  kubeconfig: rule.text('the path of a kubeconfig'),
  context: rule.text('the name of a context'),
  server: rule.text('a URL of https, or of http on loopback, without a user', (text) => isServer(text)),
  serviceAccount: rule.text('the path of a folder'),
};

/**
 * Refuses what contradicts each other.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function checkAccess(owner: string, { kubeconfig, context, server, serviceAccount }: KubernetesAccess): void {
  const asPod = server === undefined ? serviceAccount : server;
  if (kubeconfig !== undefined && asPod !== undefined) {
    throw new ClusterError('INVALID_OPTIONS', `${owner}: kubeconfig goes with neither server nor serviceAccount`);
  }
  if (context !== undefined && asPod !== undefined)
    throw invalidOption(owner, 'context', 'absent beside server', context);
}

/** Whether credentials may be sent there: nobody on the way may read them. */
export function isServer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hostname, search, hash } = new URL(text);
  const isPrivate =
    protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127\.[\d.]+|\[::1\])$/u.test(hostname));
  return isPrivate && username === '' && password === '' && search === '' && hash === '';
}
