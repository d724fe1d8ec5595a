import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

import { CertificateAuthority } from './certificates.ts';
import { findProgram } from './find-program.ts';
import { freePorts } from './free-ports.ts';
import { ServerProcess } from './server-process.ts';

const CALL_MS = 10_000;

export interface KubernetesPrograms {
  readonly etcd: string;
  readonly apiServer: string;
  /** A Go program that stands for leadership by client-go; only where the API server was built here. */
  readonly elect: string | undefined;
}

/**
 * The API server, from the folder that `QUORATE_SERVERS` or `KUBEBUILDER_ASSETS` names, or where
 * `tools/build-kubernetes.sh` puts it, which is not done here: it takes minutes. Undefined where it isn't to be had.
 */
export function findKubernetes(): KubernetesPrograms | undefined {
  const {
    QUORATE_SERVERS: ours,
    KUBEBUILDER_ASSETS: theirs,
    QUORATE_KUBERNETES: built,
    XDG_CACHE_HOME: cache,
  } = process.env;
  const ofUser = path.join(cache ?? path.join(homedir(), '.cache'), 'quorate', 'kubernetes');
  const folders = [ours, theirs, built ?? ofUser].filter((folder) => folder !== undefined && folder !== '');
  const apiServer = folders.map((folder) => path.join(String(folder), 'kube-apiserver')).find(isProgram);
  const etcd = apiServer === undefined ? undefined : findProgram('etcd');
  const elect = folders.map((folder) => path.join(String(folder), 'kube-elect')).find(isProgram);
  return apiServer === undefined || etcd === undefined ? undefined : { etcd, apiServer, elect };
}

/** What an API server is started on. */
interface Ground {
  readonly folder: string;
  readonly port: number;
  readonly etcdUrl: string;
  readonly etcd: ServerProcess;
}

/** A real API server on its own etcd, on loopback, with users in a file and permissions by roles. */
export class KubernetesServer implements AsyncDisposable {
  readonly url: string;
  /** The authority of its certificate. */
  readonly caFile: string;
  readonly folder: string;
  /** Of somebody who may do anything, and of somebody who may do nothing. */
  readonly tokens: { readonly admin: string; readonly nobody: string };
  readonly api: ServerProcess;
  /** Whoever it issues a certificate to is a user of that name, who may do nothing. */
  readonly clients: CertificateAuthority;
  readonly #etcd: ServerProcess;
  readonly #etcdUrl: string;

  private constructor(
    parts: Pick<KubernetesServer, 'url' | 'caFile' | 'folder' | 'tokens' | 'api' | 'clients'>,
    etcd: ServerProcess,
    etcdUrl: string,
  ) {
    this.url = parts.url;
    this.caFile = parts.caFile;
    this.folder = parts.folder;
    this.tokens = parts.tokens;
    this.api = parts.api;
    this.clients = parts.clients;
    this.#etcd = etcd;
    this.#etcdUrl = etcdUrl;
  }

  /** Resolves when it answers, which takes some seconds. */
  static async start(programs: KubernetesPrograms): Promise<KubernetesServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'quorate-kubernetes-'));
    const [port = 0, etcdPort = 0, peerPort = 0] = await freePorts(3);
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    let etcd: ServerProcess | undefined = undefined;
    try {
      etcd = await startEtcd(programs.etcd, folder, etcdUrl, `http://127.0.0.1:${peerPort}`);
      return await KubernetesServer.#startApi(programs.apiServer, { folder, port, etcdUrl, etcd });
    } catch (error) {
      await etcd?.kill();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static async #startApi(program: string, { folder, port, etcdUrl, etcd }: Ground): Promise<KubernetesServer> {
    const tokens = { admin: randomBytes(16).toString('hex'), nobody: randomBytes(16).toString('hex') };
    const users = path.join(folder, 'users.csv');
    writeFileSync(users, `${tokens.admin},admin,1,"system:masters"\n${tokens.nobody},nobody,2\n`, { mode: 0o600 });
    const clients = await CertificateAuthority.create(folder);
    const keyFile = path.join(folder, 'service-accounts.key');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
    const certificates = path.join(folder, 'certificates');
    mkdirSync(certificates);
    const caFile = path.join(certificates, 'apiserver.crt');
    const url = `https://127.0.0.1:${port}`;
    const args = apiServerArgs(program, {
      port,
      etcdUrl,
      certificates,
      keyFile,
      users,
      clientCaFile: clients.file,
    });
    const isReady = () => isApiReady(url, caFile, tokens.admin);
    const api = await ServerProcess.start({ name: 'kube-apiserver', program, args, isReady });
    return new KubernetesServer({ url, caFile, folder, tokens, api, clients }, etcd, etcdUrl);
  }

  /** The folder of a pod's service account, with this token. */
  serviceAccount(name: string, token: string, namespace = 'default'): string {
    const folder = path.join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'token'), token, { mode: 0o600 });
    writeFileSync(path.join(folder, 'ca.crt'), readFileSync(this.caFile));
    writeFileSync(path.join(folder, 'namespace'), namespace);
    return folder;
  }

  /**
   * Sends an object as somebody who may do anything, and gives what is stored then.
   * @param text JSON, for a patch a merge patch; for a creation YAML will do
   */
  call(method: 'POST' | 'PATCH', route: string, text: string): Promise<string> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/yaml';
    const headers = { authorization: `Bearer ${this.tokens.admin}`, 'content-type': type };
    const options = { method, headers, ca: readFileSync(this.caFile), agent: false, timeout: CALL_MS };
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(this.url + route, options, (answer) => {
        const parts: string[] = [];
        answer.setEncoding('utf8').on('data', (part: string) => parts.push(part));
        answer.once('error', reject).once('end', () => {
          if ((answer.statusCode ?? 500) < 300) resolve(parts.join(''));
          else reject(new Error(`${method} ${route}: ${parts.join('')}`));
        });
      });
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${route}: no answer within ${CALL_MS} ms`)));
      sent.once('error', reject).end(text);
    });
  }

  /** Forgets all of the history, so that a watch can't go on from any earlier version. */
  async compact(): Promise<void> {
    const post = async (route: string, body: object) => {
      const answer = await fetch(this.#etcdUrl + route, { method: 'POST', body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`etcd: ${route}: ${await answer.text()}`);
      return answer.json() as Promise<{ readonly header: { readonly revision: string } }>;
    };
    const { header } = await post('/v3/maintenance/status', {});
    await post('/v3/kv/compaction', { revision: header.revision, physical: true });
  }

  /** Ends the API server, and starts it with a certificate of another authority. */
  async replaceCertificate(): Promise<void> {
    await this.api.kill();
    rmSync(path.dirname(this.caFile), { recursive: true });
    mkdirSync(path.dirname(this.caFile));
    await this.api.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.kill();
    await this.#etcd.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function startEtcd(program: string, folder: string, url: string, peerUrl: string): Promise<ServerProcess> {
  const args = Object.entries({
    name: 'kubernetes',
    'data-dir': path.join(folder, 'etcd'),
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `kubernetes=${peerUrl}`,
    'log-level': 'error',
  }).map(([name, value]) => `--${name}=${value}`);
  const isReady = async () => (await fetch(`${url}/health`)).ok;
  return ServerProcess.start({ name: 'etcd', program, args: [...args, '--unsafe-no-fsync'], isReady });
}

interface ApiServerPlace {
  readonly port: number;
  readonly etcdUrl: string;
  readonly certificates: string;
  readonly keyFile: string;
  readonly users: string;
  readonly clientCaFile: string;
}

/** It makes its own certificate, in the folder for these. */
function apiServerArgs(
  program: string,
  { port, etcdUrl, certificates, keyFile, users, clientCaFile }: ApiServerPlace,
): readonly string[] {
  const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout;
  const args = Object.entries({
    'bind-address': '127.0.0.1',
    'secure-port': String(port),
    'advertise-address': '127.0.0.1',
    'endpoint-reconciler-type': 'none',
    'etcd-servers': etcdUrl,
    'etcd-compaction-interval': '0',
    'cert-dir': certificates,
    'client-ca-file': clientCaFile,
    'token-auth-file': users,
    'authorization-mode': 'RBAC',
    'service-cluster-ip-range': '10.96.0.0/24',
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': keyFile,
    'service-account-signing-key-file': keyFile,
    // It would want a service account in place before a pod, and a controller is what makes those.
    'disable-admission-plugins': 'ServiceAccount',
  }).map(([name, value]) => `--${name}=${value}`);
  // Later releases have these for good, and refuse to be told.
  const gates = 'EndpointSliceNodeName=true,EndpointSliceTerminatingCondition=true';
  return version.includes('v1.20.') ? [...args, '--insecure-port=0', `--feature-gates=${gates}`] : args;
}

/** It calls itself ready before it has made the namespace that everybody begins in. */
async function isApiReady(url: string, caFile: string, token: string): Promise<boolean> {
  const options = {
    ca: readFileSync(caFile),
    agent: false,
    timeout: 1000,
    headers: { authorization: `Bearer ${token}` },
  };
  for (const route of ['/readyz', '/api/v1/namespaces/default']) {
    if ((await statusOf(url + route, options)) !== 200) return false;
  }
  return true;
}

function statusOf(url: string, options: RequestOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const ask = httpsRequest(url, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    ask.on('error', reject).on('timeout', () => ask.destroy());
    ask.end();
  });
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
