import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { type NodeId, parseAddress } from '@quorate/core';
import type { KubernetesServer } from '@quorate/test-servers';
import type { NamedNode } from './discovery-registry.ts';

const PODS = '/api/v1/namespaces/default/pods';
const TIMEOUT_MS = 5_000;

/** Pods at an API server without kubelets: one for each node that ever ran, ready while it runs. */
export class DemoPods {
  readonly #server: Pick<KubernetesServer, 'url' | 'caFile' | 'tokens'>;
  readonly #labels: Readonly<Record<string, string>>;
  /** The pods there are, by name, with where their nodes listen. */
  readonly #pods = new Map<NodeId, NamedNode>();

  /** @param selector a label that all pods get, as `name=value` */
  constructor(server: Pick<KubernetesServer, 'url' | 'caFile' | 'tokens'>, selector: string) {
    const [name = '', value = ''] = selector.split('=');
    this.#server = server;
    this.#labels = { [name]: value };
  }

  async show(running: readonly NamedNode[]): Promise<void> {
    for (const node of running) {
      if (!this.#pods.has(node.id)) await this.#create(node);
    }
    const isRunning = new Set(running.map(({ id }) => id));
    for (const node of this.#pods.values()) await this.#tellReady(node, isRunning.has(node.id));
  }

  async #create(node: NamedNode): Promise<void> {
    const { port } = parseAddress(node.address);
    const container = { name: 'node', image: 'none', ports: [{ name: 'cluster', containerPort: port }] };
    const metadata = { name: node.id, labels: this.#labels };
    await this.#call('POST', PODS, { metadata, spec: { containers: [container] } });
    this.#pods.set(node.id, node);
  }

  /** What a kubelet does when its probe succeeds or fails. */
  async #tellReady({ id, address }: NamedNode, isReady: boolean): Promise<void> {
    const { host: podIP } = parseAddress(address);
    const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False' }];
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
    await this.#call('PATCH', `${PODS}/${id}/status`, { status });
  }

  #call(method: 'POST' | 'PATCH', path: string, body: object): Promise<void> {
    const { url, caFile, tokens } = this.#server;
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = { authorization: `Bearer ${tokens.admin}`, 'content-type': type };
    const options = {
      method,
      headers,
      ca: readFileSync(caFile),
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    return new Promise((resolve, reject) => {
      const call = request(url + path, options, (answer) => {
        const text: string[] = [];
        answer.setEncoding('utf8').on('data', (part: string) => text.push(part));
        answer.once('error', reject).once('end', () => {
          const { statusCode = 0 } = answer;
          if (statusCode >= 200 && statusCode <= 299) resolve();
          else reject(new Error(`${method} ${path}: ${statusCode} ${text.join('')}`));
        });
      });
      call.once('error', reject).end(JSON.stringify(body));
    });
  }
}
