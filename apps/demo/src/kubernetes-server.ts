import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubernetesServer } from '@quorate/test-servers';

/** An API server of its own, and the file by which it is reached. */
export async function startKubernetes(): Promise<{ readonly server: KubernetesServer; readonly kubeconfig: string }> {
  // Loaded now: a node that runs for good has no need of it, and may not have it.
  const { findKubernetes, KubernetesServer } = await import('@quorate/test-servers');
  const programs = findKubernetes();
  if (programs === undefined) {
    throw new Error('kube-apiserver is not to be had here: tools/build-kubernetes.sh builds one, in some minutes');
  }
  const server = await KubernetesServer.start(programs);
  const kubeconfig = join(server.folder, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(server)), { mode: 0o600 });
  return { server, kubeconfig };
}

function kubeconfigOf({ url, caFile, tokens }: KubernetesServer): object {
  const name = 'demo';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name, user: { token: tokens.admin } }],
  };
}
