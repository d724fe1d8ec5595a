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

/** Whether credentials may be sent there: nobody on the way may read them. */
export function isServer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hostname, search, hash } = new URL(text);
  const isHere = /^(?:localhost|127\.[\d.]+|\[::1\])$/u.test(hostname);
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && isHere);
  return isPrivate && username === '' && password === '' && search === '' && hash === '';
}
