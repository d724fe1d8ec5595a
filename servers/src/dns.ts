import { Resolver } from 'node:dns/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { findProgram } from './find-program.ts';
import { freePorts } from './free-ports.ts';
import { ServerProcess } from './server-process.ts';

const RELOAD_MS = 10_000;
const LOOK_MS = 10;

/** A Knot that serves one zone, `test`, over UDP and TCP, as its authority: its answers are truncated where they must. */
export class KnotServer implements AsyncDisposable {
  /** `host:port`. */
  readonly address: string;
  readonly process: ServerProcess;
  readonly #folder: string;
  #serial = 1;

  private constructor(address: string, process: ServerProcess, folder: string) {
    this.address = address;
    this.process = process;
    this.#folder = folder;
  }

  /** @param records lines of a zone file, whose names end with `.test.` or stand for that. Undefined without a Knot */
  static async start(records: readonly string[] = []): Promise<KnotServer | undefined> {
    const program = findProgram('knotd');
    if (program === undefined) return undefined;
    const folder = await mkdtemp(path.join(tmpdir(), 'quorate-knot-'));
    const [port = 0] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    const config = path.join(folder, 'knot.conf');
    await writeFile(config, configuration(folder, port));
    await writeZone(folder, 1, records);
    const isReady = async () => (await soaSerial(address)) > 0;
    try {
      const process = await ServerProcess.start({ name: 'knotd', program, args: ['--config', config], isReady });
      return new KnotServer(address, process, folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Replaces the zone, and resolves when it is served. While the server is down or paused: when it is back. */
  async serve(records: readonly string[]): Promise<void> {
    this.#serial += 1;
    const serial = this.#serial;
    await writeZone(this.#folder, serial, records);
    this.process.signal('SIGHUP');
    const end = performance.now() + RELOAD_MS;
    while ((await soaSerial(this.address).catch(() => 0)) < serial) {
      if (performance.now() > end) throw new Error(`knotd doesn't serve its zone ${serial}`);
      await pause(LOOK_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A dnsmasq that answers for `test` from its options, with a TTL of 0, and knows no other server. */
export class DnsmasqServer implements AsyncDisposable {
  /** `host:port`. */
  readonly address: string;
  readonly #program: string;
  #process: ServerProcess | undefined;

  private constructor(address: string, program: string) {
    this.address = address;
    this.#program = program;
  }

  /** @param records options such as `--host-record=n1.test,10.0.0.1`. Undefined without a dnsmasq */
  static async start(records: readonly string[] = []): Promise<DnsmasqServer | undefined> {
    const program = findProgram('dnsmasq');
    if (program === undefined) return undefined;
    const [port = 0] = await freePorts(1);
    const server = new DnsmasqServer(`127.0.0.1:${port}`, program);
    await server.serve(records);
    return server;
  }

  /** Starts it again with these records: it reads them then only. */
  async serve(records: readonly string[]): Promise<void> {
    await this.#process?.kill();
    const args = [
      '--keep-in-foreground',
      '--log-facility=-',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--pid-file=',
      `--user=${userInfo().username}`,
      `--port=${this.address.split(':')[1] ?? ''}`,
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      '--local=/test/',
      '--host-record=ready.test,127.0.0.1',
      ...records,
    ];
    const isReady = async () => (await resolver(this.address).resolve4('ready.test')).length > 0;
    this.#process = await ServerProcess.start({ name: 'dnsmasq', program: this.#program, args, isReady });
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

function configuration(folder: string, port: number): string {
  return `server:
    rundir: ${folder}
    listen: 127.0.0.1@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: ${folder}
log:
  - target: stdout
    any: info
zone:
  - domain: test
    storage: ${folder}
    file: test.zone
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
`;
}

async function writeZone(folder: string, serial: number, records: readonly string[]): Promise<void> {
  const head = ['$ORIGIN test.', '$TTL 1', `@ SOA ns root ${serial} 60 60 60 1`, '@ NS ns', 'ns A 127.0.0.1'];
  await writeFile(path.join(folder, 'test.zone'), `${[...head, ...records].join('\n')}\n`);
}

async function soaSerial(address: string): Promise<number> {
  return (await resolver(address).resolveSoa('test')).serial;
}

function resolver(address: string): Resolver {
  const asking = new Resolver({ timeout: 250, tries: 1 });
  asking.setServers([address]);
  return asking;
}
