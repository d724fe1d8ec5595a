import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ClusterError } from '@quorate/core';

import type { Access, AccessSource } from '../access.ts';
import type { KubeconfigContext, Material } from '../kubeconfig.ts';
import { isServer, type KubernetesAccess } from '../kubernetes-access.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** No credential, certificate or kubeconfig is larger. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Where the credentials come from. Nothing is read before they are asked for. */
export function accessSource(access: KubernetesAccess): AccessSource {
  const { KUBERNETES_SERVICE_HOST: host } = process.env;
  const asPod =
    access.server !== undefined || access.serviceAccount !== undefined || (host !== undefined && host !== '');
  const named = access.kubeconfig !== undefined || access.context !== undefined;
  return asPod && !named ? new ServiceAccountSource(access) : new KubeconfigSource(access);
}

/** A pod's own: its files are replaced by the kubelet long before they expire. */
class ServiceAccountSource implements AccessSource {
  readonly #folder: string;
  readonly #server: string | undefined;

  constructor({ server, serviceAccount = SERVICE_ACCOUNT }: KubernetesAccess) {
    this.#folder = serviceAccount;
    this.#server = server;
  }

  async access(): Promise<Access> {
    const server = this.#server ?? serverOfPod();
    const [token, ca] = await Promise.all([readText(this.#file('token')), readText(this.#file('ca.crt'))]);
    return { server: checkServer(server), token: checkToken(token), ca };
  }

  async namespace(): Promise<string | undefined> {
    return (await readText(this.#file('namespace'))).trim();
  }

  #file(name: string): string {
    return path.join(this.#folder, name);
  }
}

class KubeconfigSource implements AccessSource {
  readonly #path: string;
  readonly #context: string | undefined;

  constructor({ kubeconfig, context }: KubernetesAccess) {
    this.#path = path.resolve(kubeconfig ?? defaultKubeconfig());
    this.#context = context;
  }

  async access(): Promise<Access> {
    const { server, serverName, insecure, ...materials } = await this.#read();
    const [ca, cert, key, token] = await Promise.all(
      [materials.ca, materials.cert, materials.key, materials.token].map((material) => readMaterial(material)),
    );
    const checked = token === undefined ? undefined : checkToken(token);
    return { server: checkServer(server), serverName, insecure, ca, cert, key, token: checked };
  }

  async namespace(): Promise<string | undefined> {
    return (await this.#read()).namespace;
  }

  async #read(): Promise<KubeconfigContext> {
    // What reads YAML takes longer to load than all the rest, and pods don't need it.
    const { readKubeconfig } = await import('../kubeconfig.ts');
    const folder = path.dirname(this.#path);
    return readKubeconfig(await readText(this.#path), this.#context, (file) => path.resolve(folder, file));
  }
}

function serverOfPod(): string {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
  if (host === '') throw invalid('there is no KUBERNETES_SERVICE_HOST, and so no pod: name the server');
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function defaultKubeconfig(): string {
  const { KUBECONFIG: named = '' } = process.env;
  if (named.includes(path.delimiter))
    throw invalid('KUBECONFIG names several files: name one by the option kubeconfig');
  return named === '' ? path.join(homedir(), '.kube', 'config') : named;
}

function checkServer(server: string): string {
  if (!isServer(server)) throw invalid('the server must be a URL of https, or of http on loopback, without a user');
  return server;
}

/** What a header can't hold would be quoted in the error of whoever tried. */
function checkToken(text: string): string {
  const token = text.trim();
  if (!/^[\u0021-\u007E]+$/u.test(token)) throw invalid('the token is empty, or not a token');
  return token;
}

async function readMaterial(material: Material | undefined): Promise<string | undefined> {
  if (material === undefined) return undefined;
  return 'text' in material ? material.text : readText(material.file);
}

async function readText(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAX_FILE_BYTES + 1), 0, MAX_FILE_BYTES + 1, 0);
      if (bytesRead > MAX_FILE_BYTES) throw invalid(`${file} is larger than ${MAX_FILE_BYTES} bytes`);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw new ClusterError('INVALID_OPTIONS', `kubernetes: ${file} cannot be read`, { cause: error });
  }
}

function invalid(reason: string): ClusterError {
  return new ClusterError('INVALID_OPTIONS', `kubernetes: ${reason}`);
}
