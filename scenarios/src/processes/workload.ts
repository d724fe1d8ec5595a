import { Seeded } from '../raft/seeded.ts';
import { KeyedInputs } from './keyed-inputs.ts';
import { NodeConnection } from './node-connection.ts';
import type { NodeCall, NodeOutcome } from './node-protocol.ts';
import type { NodeSupervisor } from './node-supervisor.ts';
import type { KeyedQuery, OperationLog } from './operation-log.ts';
import type { MachineCommand, MachineQuery } from './register-machine.ts';

export interface WorkloadOptions {
  readonly seed: number;
  readonly clients: number;
  /** Of the clients, those that write in a session. */
  readonly sessions: number;
  /** Of the clients, those that only read, by the lease: nothing else goes on through a leader that is cut off. */
  readonly readers: number;
  readonly supervisor: Pick<NodeSupervisor, 'ids' | 'clientPort' | 'failure'>;
  readonly log: OperationLog;
}

type ClientKind = 'plain' | 'in a session' | 'reader';

interface Client {
  readonly name: string;
  readonly kind: ClientKind;
}

type WriteCall = Extract<NodeCall, { readonly command: MachineCommand }>;

/** A client gives up a call after this: longer than a node takes to do so. */
const CALL_TIMEOUT_MS = 1300;
/** In a session the node asks again for so long, until it knows. */
const SESSION_CALL_TIMEOUT_MS = 3300;
const MAX_THINK_MS = 6;

/** Clients that write and read through any of the processes, one operation at a time each. */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #inputs = new KeyedInputs();
  #done = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** How many operations were answered. */
  get done(): number {
    return this.#done;
  }

  /** Every key that was used. */
  get keys(): readonly string[] {
    return this.#inputs.keys;
  }

  /** Until the signal, or until a process has failed. */
  async run(signal: AbortSignal): Promise<void> {
    const { clients, sessions, readers, seed } = this.#options;
    const lives = Array.from({ length: clients }, (_, at) => {
      const kind: ClientKind = at < sessions ? 'in a session' : at < sessions + readers ? 'reader' : 'plain';
      return this.#live({ name: `client ${at + 1} (${kind})`, kind }, new Seeded(seed + at), signal);
    });
    await Promise.all(lives);
  }

  /** Writes once through this process; false if that failed. */
  async writeThrough(id: string): Promise<boolean> {
    const command = this.#inputs.write();
    const outcome = await this.#through(id, (connection) => {
      return this.#write(`through ${id}`, connection, { type: 'write', command });
    });
    return outcome?.outcome === 'ok';
  }

  /** Reads a key once through this process; false if that failed. */
  async readThrough(id: string, key: string): Promise<boolean> {
    const query: KeyedQuery = { type: key.startsWith('tickets') ? 'drawn' : 'get', key };
    const outcome = await this.#through(id, (connection) => this.#read(`through ${id}`, connection, query));
    return outcome?.outcome === 'ok';
  }

  /** What this process has done, in order: as far as it can be read now. */
  async journalOf(id: string): Promise<readonly string[]> {
    const journal: string[] = [];
    await this.#through(id, async (connection) => {
      for (let before = -1; journal.length > before;) {
        before = journal.length;
        const query: MachineQuery = { type: 'journal', from: before };
        const page = await this.#call(connection, { type: 'read', query, consistency: 'linearizable' });
        if (page.outcome === 'ok') journal.push(...(page.result as readonly string[]));
      }
    });
    return journal;
  }

  async #through<T>(id: string, use: (connection: NodeConnection) => Promise<T>): Promise<T | undefined> {
    const port = this.#options.supervisor.clientPort(id);
    using connection = port === undefined ? undefined : await NodeConnection.open(port);
    return connection === undefined ? undefined : await use(connection);
  }

  async #live(client: Client, random: Seeded, signal: AbortSignal): Promise<void> {
    const { supervisor } = this.#options;
    let connection: NodeConnection | undefined = undefined;
    while (!signal.aborted && supervisor.failure === undefined) {
      if (connection?.isOpen !== true) connection = await this.#connect(random);
      if (connection !== undefined) {
        const { outcome } = await this.#operate(client, connection, random);
        // One that could not tell is left, now and then, for another.
        if (outcome !== 'ok' && random.bit()) connection[Symbol.dispose]();
      }
      await new Promise((resolve) => void setTimeout(resolve, random.int(MAX_THINK_MS)));
    }
    connection?.[Symbol.dispose]();
  }

  async #connect(random: Seeded): Promise<NodeConnection | undefined> {
    const { supervisor } = this.#options;
    const port = supervisor.clientPort(random.pick(supervisor.ids));
    return port === undefined ? undefined : await NodeConnection.open(port);
  }

  async #operate({ name, kind }: Client, connection: NodeConnection, random: Seeded): Promise<NodeOutcome> {
    const input = this.#inputs.next(random, kind === 'reader');
    if (input.type === 'get' || input.type === 'drawn') {
      const byLease = kind === 'reader' || random.bit();
      return await this.#read(name, connection, input, byLease ? 'lease' : 'linearizable');
    }
    const type = kind === 'in a session' ? 'session-write' : 'write';
    return await this.#write(name, connection, { type, command: this.#inputs.nameIt(input) });
  }

  async #read(
    name: string,
    connection: NodeConnection,
    query: KeyedQuery,
    consistency: 'lease' | 'linearizable' = 'linearizable',
  ): Promise<NodeOutcome> {
    return await this.#options.log.read(name, query, () =>
      this.#call(connection, { type: 'read', query, consistency }),
    );
  }

  async #write(name: string, connection: NodeConnection, call: WriteCall): Promise<NodeOutcome> {
    return await this.#options.log.write(name, call.command, () => this.#call(connection, call));
  }

  async #call(connection: NodeConnection, call: NodeCall): Promise<NodeOutcome> {
    const timeoutMs = call.type === 'session-write' ? SESSION_CALL_TIMEOUT_MS : CALL_TIMEOUT_MS;
    const outcome = await connection.call(call, timeoutMs);
    if (outcome.outcome === 'ok') this.#done += 1;
    return outcome;
  }
}
