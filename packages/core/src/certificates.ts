import type { NodeId } from './cluster-node.ts';
import { ClusterError } from './cluster-error.ts';
import { sleep } from './deadline.ts';
import type { Disk } from './disk.ts';
import { type OptionRule, type OptionRules, rule } from './option-rules.ts';
import type { NodeCertificates } from './security.ts';
import type { CertificateDetails, CertificateSet } from './stream-security.ts';
import type { System } from './system.ts';
import type { Timer } from './clock.ts';

/** Where a node's certificates lie, as PEM files. They are read at the start, and again whenever they have changed. */
export interface CertificateOptions {
  /**
   * This node's certificate, and behind it those between it and the authority. It must name the node: by the URI
   * `quorate://CLUSTER/NODE` among its alternative names, or, where it has none of those, by the node's id as a DNS name
   * among them or as its common name.
   */
  readonly cert: string;
  /** The private key, not encrypted. */
  readonly key: string;
  /** The certificates of the authorities that are trusted. */
  readonly ca: string;
  /**
   * Lists of what the authorities have revoked, one of each authority. One that has expired lets nobody in.
   * @default none: nothing counts as revoked
   */
  readonly crl?: string;
  /**
   * How often is looked whether the files have changed, in milliseconds.
   * @default 10000
   */
  readonly reloadIntervalMs?: number;
}

/** One that is refused may be a key that was given in place of its path: it is not shown. */
const file: OptionRule<string> = {
  ...rule.text('the path of a file', (text) => text !== '' && !/[\0\r\n]|-----BEGIN/u.test(text)),
  blame: (value) => ({
    path: '',
    expected: 'the path of a file',
    got:
      typeof value === 'string'
        ? `a text of ${value.length} characters in ${value.split('\n').length} lines`
        : `a ${typeof value}`,
  }),
};

export const certificateRules: OptionRules<CertificateOptions> = {
  cert: file,
  key: file,
  ca: file,
  crl: file,
  reloadIntervalMs: rule.duration({ min: 100, max: 24 * 3_600_000 }),
};

/** More than any chain of certificates or list of revoked ones that a cluster can need. */
const MAX_FILE_BYTES: number = 4 * 1024 * 1024;
/** A set that has changed is read once more after this time, and used if nothing has changed meanwhile. */
const SETTLE_MS = 1000;
const URI_SCHEME = 'quorate://';

/** Whether a certificate is that of a node. Certificates that are bound to clusters count in their own one only. */
export function namesNode(certificate: CertificateDetails, cluster: string, id: NodeId): boolean {
  const uris = certificate.uris.filter((uri) => uri.startsWith(URI_SCHEME));
  if (uris.length > 0) return uris.includes(`${URI_SCHEME}${cluster}/${id}`);
  return certificate.dnsNames.includes(id) || certificate.commonName === id;
}

/** What a certificate says whose it is, for people. */
export function describeCertificate({ uris, dnsNames, commonName = 'no name', serial }: CertificateDetails): string {
  const names = [...uris, ...dnsNames];
  return `${(names.length === 0 ? [commonName] : names.slice(0, 4)).join(', ')} (serial ${serial})`;
}

type Machine = Pick<System, 'disk' | 'clock' | 'net' | 'logger'>;

/** A node's certificates as files, looked at from time to time. A set that can't be used leaves the last one in force. */
export class CertificateFiles implements NodeCertificates, AsyncDisposable {
  readonly #options: CertificateOptions;
  readonly #cluster: string;
  readonly #nodeId: NodeId;
  readonly #watchers = new Set<() => void>();
  #current: CertificateSet | undefined;
  #lastFailure: string | undefined;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  readonly #closed = new AbortController();

  constructor(options: CertificateOptions, cluster: string, nodeId: NodeId) {
    this.#options = options;
    this.#cluster = cluster;
    this.#nodeId = nodeId;
  }

  get #intervalMs(): number {
    return this.#options.reloadIntervalMs ?? 10_000;
  }

  /**
   * As they were read last.
   * @throws ClusterError `CLOSED` before `open` has resolved
   */
  get current(): CertificateSet {
    if (this.#current === undefined) throw new ClusterError('CLOSED', 'the certificates have not been read yet');
    return this.#current;
  }

  /** Calls `told` whenever others have taken the place of `current`. Disposing the result ends that. */
  onChange(told: () => void): Disposable {
    const own = () => told();
    this.#watchers.add(own);
    return { [Symbol.dispose]: () => void this.#watchers.delete(own) };
  }

  /**
   * Reads them, and begins to watch them.
   * @throws ClusterError `INVALID_OPTIONS` when they can't be used or name another node, `NOT_FOUND`, `IO`
   */
  async open(machine: Machine): Promise<void> {
    const read = await this.#read(machine.disk);
    this.#check(machine, read);
    this.#current = read;
    this.#arm(machine);
  }

  /** Looks at the files no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#timer?.cancel();
    await this.#looking;
  }

  #arm(machine: Machine): void {
    if (this.#closed.signal.aborted) return;
    this.#timer = machine.clock.setTimer(this.#intervalMs, () => {
      this.#looking = this.#look(machine).then(() => this.#arm(machine));
    });
  }

  async #look(machine: Machine): Promise<void> {
    try {
      const read = await this.#read(machine.disk);
      if (this.#current === undefined || !areEqual(this.#current, read)) return await this.#renew(machine, read);
      this.#check(machine, this.#current);
      this.#lastFailure = undefined;
    } catch (error) {
      this.#failed(machine, 'the certificates in force are no good', error);
    }
  }

  /** What changes once more in a moment is still being written. */
  async #renew(machine: Machine, read: CertificateSet): Promise<void> {
    try {
      await sleep(machine.clock, Math.min(SETTLE_MS, this.#intervalMs), { signal: this.#closed.signal });
      const settled = await this.#read(machine.disk);
      if (this.#closed.signal.aborted || !areEqual(read, settled)) return;
      this.#check(machine, settled);
      this.#lastFailure = undefined;
      this.#take(machine, settled);
    } catch (error) {
      this.#failed(machine, "the certificates have changed and can't be used, the former ones stay", error);
    }
  }

  #take(machine: Machine, read: CertificateSet): void {
    this.#current = read;
    machine.logger.info('the certificates were read again, and are used from now on');
    for (const told of this.#watchers) told();
  }

  /** What is said once is not said again until it is something else. A set may get better by itself: when it becomes valid. */
  #failed({ logger }: Machine, what: string, error: unknown): void {
    if (this.#closed.signal.aborted) return;
    const why = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    if (why === this.#lastFailure) return;
    this.#lastFailure = why;
    logger.warn(why);
  }

  #check({ net }: Machine, set: CertificateSet): void {
    const details = net.inspectCertificates?.(set);
    if (details === undefined)
      throw new ClusterError('INVALID_OPTIONS', 'certificates: the network has no use for any');
    if (namesNode(details, this.#cluster, this.#nodeId)) return;
    const expected = `${URI_SCHEME}${this.#cluster}/${this.#nodeId}`;
    const message = `certificates: ${this.#options.cert} must name ${expected}, got ${describeCertificate(details)}`;
    throw new ClusterError('INVALID_OPTIONS', message);
  }

  async #read(disk: Disk): Promise<CertificateSet> {
    const { cert, key, ca, crl } = this.#options;
    return {
      cert: await readText(disk, cert),
      key: await readText(disk, key),
      ca: await readText(disk, ca),
      ...(crl === undefined ? {} : { crl: await readText(disk, crl) }),
    };
  }
}

async function readText(disk: Disk, path: string): Promise<string> {
  const opened = await disk.open(path, { readOnly: true });
  try {
    const size = await opened.size();
    if (size > MAX_FILE_BYTES) throw new ClusterError('INVALID_OPTIONS', `certificates: ${path} has ${size} bytes`);
    const bytes = new Uint8Array(size);
    const length = await opened.read(bytes, 0);
    return new TextDecoder().decode(bytes.subarray(0, length));
  } finally {
    await opened.close();
  }
}

function areEqual(a: CertificateSet, b: CertificateSet): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca && a.crl === b.crl;
}
