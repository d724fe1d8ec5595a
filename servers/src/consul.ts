import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { CertificateAuthority } from './certificates.ts';
import { findProgram } from './find-program.ts';
import { freePorts } from './free-ports.ts';
import { ServerProcess } from './server-process.ts';

export interface ConsulServerOptions {
  /** Whether whoever has no token may do nothing. */
  readonly acl?: boolean;
  /** Whether HTTPS is spoken too, and asks for a client's certificate. */
  readonly tls?: boolean;
}

/** A Consul agent that is a server, alone: with a temporary folder and ports of its own, which it keeps over restarts. */
export class ConsulServer implements AsyncDisposable {
  /** Of HTTP. */
  readonly port: number;
  readonly httpsPort: number;
  readonly dnsPort: number;
  /** That may do everything; nobody needs it without ACLs. */
  readonly token: string = randomUUID();
  /** There with `tls`. */
  readonly authority: CertificateAuthority | undefined;
  readonly #plan: Plan;
  #process: ServerProcess | undefined;

  private constructor(plan: Plan) {
    this.#plan = plan;
    [this.port = 0, this.httpsPort = 0, this.dnsPort = 0] = plan.ports;
    this.authority = plan.authority;
  }

  /** Undefined where there is no Consul. */
  static async start(options: ConsulServerOptions = {}): Promise<ConsulServer | undefined> {
    const program = findProgram('consul');
    if (program === undefined) return undefined;
    const folder = await mkdtemp(path.join(tmpdir(), 'quorate-consul-'));
    try {
      const ports = await freePorts(5);
      const server = new ConsulServer({ program, folder, options, ports, ...(await secure(folder, options)) });
      server.#process = await ServerProcess.start(server.#command());
      return server;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** At once, as when a machine fails. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** On the same files and ports, after `kill`. Resolves when it answers. */
  async restart(): Promise<void> {
    await this.#process?.start();
  }

  /** Takes away all that it knows, after `kill`. */
  async forget(): Promise<void> {
    await rm(path.join(this.#plan.folder, 'data'), { recursive: true, force: true });
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** Calls the API with all rights; the answer's JSON. A status that is no success throws. */
  async call(method: 'GET' | 'PUT' | 'DELETE', uri: string, body?: unknown): Promise<unknown> {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const signal = AbortSignal.timeout(5_000);
    const headers = { 'x-consul-token': this.token };
    const answer = await fetch(`${this.address}${uri}`, { method, headers, signal, ...content });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${uri}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await rm(this.#plan.folder, { recursive: true, force: true });
  }

  #command() {
    const loopback = ['-bind', '127.0.0.1', '-client', '127.0.0.1', '-node', 'test-agent'];
    const alone = ['-server', '-bootstrap-expect=1', '-data-dir', path.join(this.#plan.folder, 'data')];
    const args = ['agent', ...alone, ...loopback, '-hcl', this.#settings()];
    return { name: 'consul', program: this.#plan.program, args, isReady: () => this.#isReady() };
  }

  /** As fast as it goes. */
  #settings(): string {
    const [http, https, dns, lan, rpc] = this.#plan.ports;
    const secured = this.#plan.options.tls === true ? https : -1;
    const ports = `http = ${http} https = ${secured} dns = ${dns} serf_lan = ${lan} server = ${rpc} serf_wan = -1 grpc = -1`;
    const settings = [`ports { ${ports} }`, 'performance { raft_multiplier = 1 } session_ttl_min = "1s"'];
    if (this.#plan.options.acl === true) {
      const tokens = `tokens { master = "${this.token}" agent = "${this.token}" }`;
      settings.push(`acl { enabled = true default_policy = "deny" ${tokens} }`);
    }
    if (this.#plan.options.tls === true) {
      const { authority, cert, key } = this.#plan;
      settings.push(
        `ca_file = "${authority?.file}" cert_file = "${cert}" key_file = "${key}" verify_incoming_https = true`,
      );
    }
    return settings.join(' ');
  }

  /** It leads, and has written itself into its catalog. */
  async #isReady(): Promise<boolean> {
    const nodes = await this.call('GET', '/v1/catalog/nodes');
    const leader = await this.call('GET', '/v1/status/leader');
    return Array.isArray(nodes) && nodes.length > 0 && leader !== '';
  }
}

interface Plan {
  readonly program: string;
  readonly folder: string;
  readonly options: ConsulServerOptions;
  readonly ports: readonly number[];
  readonly authority?: CertificateAuthority;
  /** Files of the server's own. */
  readonly cert?: string;
  readonly key?: string;
}

async function secure(folder: string, { tls = false }: ConsulServerOptions): Promise<Partial<Plan>> {
  if (!tls) return {};
  const authority = await CertificateAuthority.create(folder);
  return { authority, ...(await authority.issue('consul')) };
}
