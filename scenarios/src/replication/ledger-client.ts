import {
  type ClusterError,
  type ClusterErrorCode,
  isClusterError,
  type ReadConsistency,
  type Session,
} from '@quorate/core';
import type { World } from '@quorate/simulator';
import type { RecordedCall } from '@quorate/testkit';
import type { ClientPromises } from './client-promises.ts';
import type { CommandOrder } from './command-order.ts';
import type { LedgerAnswer, LedgerChange, LedgerCommand, LedgerResult, LedgerValue } from './ledger-commands.ts';
import type { LedgerHistory } from './ledger-history.ts';
import { type LedgerNode, type LedgerReplicator, statusOf } from './ledger-node.ts';

/** What the clients of one life share. */
export interface ClientsContext {
  readonly world: World;
  readonly order: CommandOrder;
  readonly promises: ClientPromises;
  readonly history: LedgerHistory;
  readonly habits: ClientHabits;
  /** Nodes whose clusters have started and whose processes live. */
  nodes(): readonly LedgerNode[];
  /** How many calls ended how. */
  count(what: string): void;
  /** A promise was broken. */
  broken(error: unknown): void;
}

/** How the clients of one life are. */
export interface ClientHabits {
  /** Between two calls, at most. */
  readonly thinkMs: number;
  /** Of a value that is put. */
  readonly valueBytes: number;
  /** Of calls, the share that is reads. */
  readonly reads: number;
  readonly sessions: number;
  readonly batches: number;
  /** The longest that a call may take. */
  readonly timeoutMs: number;
  /** By what part of true time clocks may be wrong. */
  readonly maxDrift: number;
}

type SessionOf = Session<LedgerCommand, LedgerResult>;
type End<T> = { readonly value: T } | { readonly error: unknown } | 'given up';

const REGISTERS = ['x', 'y', 'z'];
const TICKETS = ['tickets', 'numbers'];
const LIST = 'list';
const EXPECTED: readonly ClusterErrorCode[] = [
  'ABORTED',
  'CLOSED',
  'DISCONNECTED',
  'IO',
  'NOT_LEADER',
  'OVERLOADED',
  'QUORUM_LOST',
  'SESSION_EXPIRED',
  'TIMEOUT',
];
const KEYS: readonly string[] = [...REGISTERS, ...TICKETS, LIST];
/** How long a client waits for an answer beyond the time that it gave; and how often it looks whether its node lives. */
const PATIENCE_MS = 2000;
const LOOK_MS = 50;
const PROBE_PAUSE_MS = 10;
const BUSY_READ_MS = 4;
const MAX_STALENESS_MS = 60;
const MAX_BATCH = 6;
const MAX_IN_SESSION = 8;

/** One client of a cluster: goes from node to node, asks for this and that, and judges what it is told. */
export class LedgerClient {
  readonly #name: string;
  readonly #context: ClientsContext;
  #calls = 0;
  #isOver = false;

  constructor(name: string, context: ClientsContext) {
    this.#name = name;
    this.#context = context;
  }

  /** Goes on until told to stop. */
  async run(): Promise<void> {
    const { world, habits } = this.#context;
    while (!this.#isOver) {
      await this.#pause(world.random.next() * habits.thinkMs);
      const node = this.#pickNode();
      if (node !== undefined && !this.#isOver) await this.#act(node);
    }
  }

  /** Reads so and nothing else, on this node, whenever that believes to lead. */
  async readOnLeader(name: string, consistency: ReadConsistency): Promise<void> {
    while (!this.#isOver) {
      const node = this.#context.nodes().find((each) => each.name === name);
      const leads = node !== undefined && statusOf(node)?.role === 'leader';
      await this.#pause(leads ? this.#context.world.random.next() * BUSY_READ_MS : LOOK_MS);
      if (leads && !this.#isOver) await this.#read(node, consistency, this.#pick(KEYS), LOOK_MS, false);
    }
  }

  /** Reads what is a little old, and nothing else, on this node. */
  async readBounded(name: string): Promise<void> {
    const { world } = this.#context;
    while (!this.#isOver) {
      const node = this.#context.nodes().find((each) => each.name === name);
      await this.#pause(node === undefined ? LOOK_MS : world.random.next() * BUSY_READ_MS);
      const maxStalenessMs = world.random.next() * MAX_STALENESS_MS;
      if (node !== undefined && !this.#isOver) await this.#read(node, { maxStalenessMs }, this.#pick(KEYS), 1000);
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Resolves when a write and a fresh read were done on this node. */
  async probe(node: LedgerNode): Promise<void> {
    for (;;) {
      const isWritten = await this.#write(node, [this.#command({ type: 'next', key: 'tickets' })], 1000);
      if (isWritten && (await this.#read(node, 'linearizable', this.#pick(KEYS)))) return;
      await this.#pause(PROBE_PAUSE_MS);
    }
  }

  /** Reads everything, for the history. */
  async readAll(node: LedgerNode): Promise<void> {
    for (const key of KEYS) await this.#read(node, 'linearizable', key);
  }

  async #act(node: LedgerNode): Promise<void> {
    const { world, habits } = this.#context;
    const dice = world.random.next();
    if (dice < habits.reads) await this.#read(node, this.#pickLevel(), this.#pick(KEYS));
    else if (dice < habits.reads + habits.sessions) await this.#session(node);
    else if (dice < habits.reads + habits.sessions + habits.batches) await this.#batch(node);
    else await this.#write(node, [this.#command(this.#change())]);
  }

  async #batch(node: LedgerNode): Promise<void> {
    const size = 2 + this.#context.world.random.int(MAX_BATCH - 1);
    const first = this.#command(this.#change());
    const commands = Array.from({ length: size }, (_none, place): LedgerCommand => {
      const command = place === 0 ? first : this.#command(this.#change());
      return { ...command, batch: { name: first.id, size, place } };
    });
    await this.#write(node, commands);
  }

  /** Commands in a session, several at a time; now and then with a time so short that it can only be retried. */
  async #session(node: LedgerNode): Promise<void> {
    const { world } = this.#context;
    const end = await this.#call(node, 4000, (replicator) => replicator.openSession());
    this.#countEnd('session', end);
    if (end === 'given up') return;
    if ('error' in end) return this.#judged(() => checkedError('session', end.error));
    const session = end.value;
    const bursts = 1 + world.random.int(3);
    for (let burst = 0; burst < bursts && !this.#isOver; burst += 1) {
      const size = 1 + world.random.int(MAX_IN_SESSION);
      await Promise.all(Array.from({ length: size }, () => this.#inSession(node, session)));
      if (world.chance(0.1)) await this.#pause(world.random.next() * 2000);
    }
    if (world.chance(0.7)) await this.#call(node, 6000, async () => session[Symbol.asyncDispose]());
  }

  async #inSession(node: LedgerNode, session: SessionOf): Promise<void> {
    const command = this.#command(this.#change());
    const timeoutMs = this.#timeoutMs();
    await this.#judgeWrite(node, [command], timeoutMs, async () => [await session.replicate(command, { timeoutMs })]);
  }

  async #write(
    node: LedgerNode,
    commands: readonly LedgerCommand[],
    timeoutMs: number = this.#timeoutMs(),
  ): Promise<boolean> {
    const [first] = commands;
    const onAll = this.#context.world.chance(0.05);
    const options = { timeoutMs, ...(onAll && { consistency: 'all' as const }) };
    return this.#judgeWrite(node, commands, timeoutMs, async (replicator) =>
      first !== undefined && commands.length === 1
        ? [await replicator.replicate(first, options)]
        : replicator.replicateBatch(commands, options),
    );
  }

  /** Makes a write, and compares what is said of it with what became of it. Whether it was acknowledged. */
  async #judgeWrite(
    node: LedgerNode,
    commands: readonly LedgerCommand[],
    timeoutMs: number,
    write: (replicator: LedgerReplicator) => Promise<readonly LedgerResult[]>,
  ): Promise<boolean> {
    const { order, promises, history } = this.#context;
    const call = { client: this.#name, node: node.name, floor: order.highest };
    const recorded = commands.map((command) => history.changes(this.#name, command));
    const end = await this.#call(node, timeoutMs, write);
    this.#countEnd('write', end);
    this.#judged(() => {
      if (end === 'given up') for (const each of recorded) each.unknown();
      else if ('error' in end) this.#failed(commands, recorded, end.error);
      else {
        if (end.value.length !== commands.length) throw new Error(`result: ${end.value.length} of ${commands.length}`);
        for (const [at, result] of end.value.entries()) {
          promises.acknowledged(call, commands[at] as LedgerCommand, result);
          recorded[at]?.ok(result.value);
          node.acknowledged = Math.max(node.acknowledged, result.number);
        }
      }
    });
    return end !== 'given up' && 'value' in end;
  }

  /** @throws Error unless the error says what became of the commands, and that is true */
  #failed(commands: readonly LedgerCommand[], recorded: readonly RecordedCall<LedgerValue>[], error: unknown): void {
    const { outcome } = checkedError('write', error);
    if (outcome === undefined)
      throw new Error(`outcome: a write failed without one: ${String(error)}`, { cause: error });
    for (const [at, command] of commands.entries()) {
      if (outcome === 'unknown') recorded[at]?.unknown();
      else recorded[at]?.fail();
      if (outcome === 'not-applied') this.#context.promises.denied(command);
    }
  }

  /** Whether there was an answer. */
  async #read(
    node: LedgerNode,
    consistency: ReadConsistency,
    key: string,
    timeoutMs: number = this.#timeoutMs(),
    isKept: boolean = consistency === 'linearizable' || consistency === 'lease',
  ): Promise<boolean> {
    const recorded = isKept ? this.#context.history.reads(this.#name, key) : undefined;
    let floor = 0;
    const end = await this.#call<LedgerAnswer>(node, timeoutMs, (replicator) => {
      floor = this.#floor(node, consistency);
      return replicator.read({ key }, { consistency, timeoutMs });
    });
    const level = typeof consistency === 'string' ? consistency : `${consistency.maxStalenessMs.toFixed(0)} ms`;
    this.#countEnd(typeof consistency === 'string' ? consistency : 'bounded', end);
    if (end === 'given up' || 'error' in end) {
      recorded?.fail();
      if (end !== 'given up') this.#judged(() => checkedError(`${level} read`, end.error));
      return false;
    }
    const call = { client: this.#name, node: node.name, floor };
    this.#judged(() => this.#context.promises.answered(call, level, { key }, end.value));
    recorded?.ok(end.value.value);
    return true;
  }

  /** The last command that a read which begins now must see. */
  #floor(node: LedgerNode, consistency: ReadConsistency): number {
    const { order, world, habits } = this.#context;
    if (consistency === 'local') return 0;
    if (consistency === 'session') return node.acknowledged;
    if (typeof consistency === 'string') return order.highest;
    return order.highestAt(world.now - consistency.maxStalenessMs / (1 - habits.maxDrift));
  }

  /** Makes a call within the node's process: later while that stands still, never once it has died. */
  #call<T>(node: LedgerNode, timeoutMs: number, make: (replicator: LedgerReplicator) => Promise<T>): Promise<End<T>> {
    const { world } = this.#context;
    const latest = world.now + 2 * timeoutMs + PATIENCE_MS;
    return new Promise((resolve) => {
      const { replicator } = node;
      if (!isAlive(node) || replicator === undefined) return resolve('given up');
      let isOver = false;
      const end = (how: End<T>) => {
        isOver = true;
        resolve(how);
      };
      const look = () => {
        if (isOver) return;
        if (isAlive(node) && world.now < latest) world.after(LOOK_MS, look);
        else end('given up');
      };
      look();
      node.host.system.clock.setTimer(0, () => {
        make(replicator).then(
          (value) => end({ value }),
          (error: unknown) => end({ error }),
        );
      });
    });
  }

  #judged(judge: () => unknown): void {
    try {
      judge();
    } catch (error) {
      this.#context.broken(error);
    }
  }

  #countEnd(what: string, end: End<unknown>): void {
    if (end === 'given up') this.#context.count(`${what} given up`);
    else if ('value' in end) this.#context.count(`${what} ok`);
    else this.#context.count(`${what} ${isClusterError(end.error) ? nameOf(end.error) : String(end.error)}`);
  }

  #command(change: LedgerChange): LedgerCommand {
    this.#calls += 1;
    return { id: `${this.#name}-${this.#calls}`, change };
  }

  /** Values are never written twice, so that none is taken for another. */
  #change(): LedgerChange {
    const { world, order, habits } = this.#context;
    const value = `${this.#name}-${this.#calls + 1}${'.'.repeat(world.random.int(habits.valueBytes + 1))}`;
    const register = this.#pick(REGISTERS);
    const recent = order.valueAt(register, order.highest - world.random.int(4));
    return this.#pick<LedgerChange>([
      { type: 'put', key: register, value },
      { type: 'cas', key: register, expected: recent, value },
      { type: 'append', key: LIST, value: String(this.#calls + 1) + this.#name },
      { type: 'next', key: this.#pick(TICKETS) },
    ]);
  }

  #pickLevel(): ReadConsistency {
    const maxStalenessMs = this.#pick([0, 10, 100, 1000]) * this.#context.world.random.next();
    return this.#pick<ReadConsistency>([
      'linearizable',
      'linearizable',
      'lease',
      'lease',
      'session',
      'local',
      { maxStalenessMs },
    ]);
  }

  #timeoutMs(): number {
    const { world, habits } = this.#context;
    return 20 + Math.min(habits.timeoutMs, world.random.next() * this.#pick([100, 1000, 4000]));
  }

  #pickNode(): LedgerNode | undefined {
    const nodes = this.#context.nodes();
    return nodes.length === 0 ? undefined : this.#pick(nodes);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#context.world.random.int(from.length)] as T;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#context.world.after(ms, resolve));
  }
}

/** @throws Error for an error that no call of a client may end with, whatever happens to the cluster */
function checkedError(what: string, error: unknown): ClusterError {
  if (isClusterError(error) && EXPECTED.includes(error.code)) return error;
  throw new Error(`error: a ${what} ended with ${String(error)}`, { cause: error });
}

/** Whether its process still lives. */
function isAlive({ host, boot }: LedgerNode): boolean {
  return host.running && host.boots === boot;
}

function nameOf({ code, outcome }: ClusterError): string {
  return outcome === undefined ? code : `${code} ${outcome}`;
}
