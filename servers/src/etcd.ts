import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { CertificateAuthority } from './certificates.ts';
import { findProgram } from './find-program.ts';
import { freePorts } from './free-ports.ts';
import { ServerProcess } from './server-process.ts';

export interface EtcdOptions {
  /** @default 1 */
  readonly members?: 1 | 3;
  /**
   * Clients show a certificate of the cluster's authority, and the members show theirs.
   * @default false
   */
  readonly tls?: boolean;
}

/** A cluster of etcd on loopback, quick to elect and on files that go with it. It doesn't sync: its machine never fails. */
export class EtcdCluster implements AsyncDisposable {
  readonly endpoints: readonly string[];
  /** There where TLS was asked for. */
  readonly authority: CertificateAuthority | undefined;
  readonly folder: string;
  readonly members: readonly ServerProcess[];

  private constructor(plan: Plan, members: readonly ServerProcess[]) {
    this.endpoints = plan.members.map(({ client }) => client);
    this.authority = plan.authority;
    this.folder = plan.folder;
    this.members = members;
  }

  /** Undefined where there is no etcd. */
  static async start(options: EtcdOptions = {}): Promise<EtcdCluster | undefined> {
    const program = findProgram('etcd');
    if (program === undefined) return undefined;
    const folder = await mkdtemp(path.join(tmpdir(), 'quorate-etcd-'));
    const plan = await makePlan(folder, options);
    const starts = plan.members.map((member) => ServerProcess.start(commandOf(program, plan, member)));
    const settled = await Promise.allSettled(starts);
    const members = settled.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    const cluster = new EtcdCluster(plan, members);
    const failed = settled.find((start) => start.status === 'rejected');
    if (failed === undefined) return cluster;
    await cluster[Symbol.asyncDispose]();
    throw failed.reason;
  }

  /** A member by its place among the endpoints. */
  member(at: number): ServerProcess {
    const member = this.members[at];
    if (member === undefined) throw new Error(`etcd has no member ${at}`);
    return member;
  }

  /**
   * Asks a member through its JSON gateway, which speaks without TLS only.
   * @param call as in `kv/put`
   */
  async ask(
    call: string,
    body: object,
    details: { readonly token?: string; readonly member?: number } = {},
  ): Promise<GatewayAnswer> {
    const { token, member = 0 } = details;
    const response = await fetch(`${this.endpoints[member] ?? ''}/v3/${call}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: token === undefined ? {} : { authorization: token },
    });
    const answer = (await response.json()) as GatewayAnswer;
    if (!response.ok) throw new Error(`etcd refuses ${call}: ${JSON.stringify(answer)}`);
    return answer;
  }

  async put(key: string, value: string): Promise<void> {
    await this.ask('kv/put', { key: base64(key), value: base64(value) });
  }

  async deletePrefix(prefix: string): Promise<void> {
    await this.ask('kv/deleterange', { key: base64(prefix), range_end: base64(`${prefix}\u007f`) });
  }

  /** @param member which one to ask */
  async keys(prefix: string, member: number = 0): Promise<readonly string[]> {
    const range = { key: base64(prefix), range_end: base64(`${prefix}\u007f`) };
    const { kvs = [] } = await this.ask('kv/range', range, { member });
    return kvs.map(({ key }) => Buffer.from(key, 'base64').toString());
  }

  /** Forgets the history up to now. */
  async compact(): Promise<void> {
    const { header } = await this.ask('kv/range', { key: base64('none') });
    await this.ask('kv/compaction', { revision: header.revision, physical: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The parts of answers that tests read. */
export interface GatewayAnswer {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly { readonly key: string; readonly value: string; readonly lease?: string }[];
  readonly token?: string;
  readonly leases?: readonly { readonly ID: string }[];
}

/** As the gateway writes keys and values. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

interface Plan {
  readonly folder: string;
  readonly authority: CertificateAuthority | undefined;
  readonly secured: readonly string[];
  readonly members: readonly PlannedMember[];
}

interface PlannedMember {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
  /** Tells its health to everybody, whatever clients must show. */
  readonly health: string;
}

async function makePlan(folder: string, { members = 1, tls = false }: EtcdOptions): Promise<Plan> {
  const ports = await freePorts(3 * members);
  const url = (scheme: string, at: number) => `${scheme}://127.0.0.1:${ports[at] ?? 0}`;
  const planned = Array.from({ length: members }, (_, at) => ({
    name: `m${at}`,
    client: url(tls ? 'https' : 'http', 3 * at),
    peer: url('http', 3 * at + 1),
    health: url('http', 3 * at + 2),
  }));
  if (!tls) return { folder, authority: undefined, secured: [], members: planned };
  const authority = await CertificateAuthority.create(folder);
  const { cert, key } = await authority.issue('member');
  const secured = [
    `--cert-file=${cert}`,
    `--key-file=${key}`,
    `--trusted-ca-file=${authority.file}`,
    '--client-cert-auth',
  ];
  return { folder, authority, secured, members: planned };
}

function commandOf(program: string, { folder, members, secured }: Plan, { name, client, peer, health }: PlannedMember) {
  const args = [
    `--name=${name}`,
    `--data-dir=${path.join(folder, name)}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${members.map((member) => `${member.name}=${member.peer}`).join(',')}`,
    `--listen-metrics-urls=${health}`,
    '--initial-cluster-state=new',
    '--heartbeat-interval=50',
    '--election-timeout=500',
    '--unsafe-no-fsync',
    '--log-level=error',
    ...secured,
  ];
  const isReady = async () => (await fetch(`${health}/health`, { signal: AbortSignal.timeout(1_000) })).ok;
  return { name: `etcd ${name}`, program, args, isReady };
}
