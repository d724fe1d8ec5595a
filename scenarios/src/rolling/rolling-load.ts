import { Agent } from 'node:http';
import { KeyedInputs } from '../processes/keyed-inputs.ts';
import type { NodeOutcome } from '../processes/node-protocol.ts';
import type { OperationLog } from '../processes/operation-log.ts';
import type { MachineCommand } from '../processes/register-machine.ts';
import { Seeded } from '../raft/seeded.ts';
import { post } from './post.ts';
import type { RollingCall } from './rolling-protocol.ts';

export interface RollingLoadOptions {
  readonly seed: number;
  readonly clients: number;
  /** By id, where each node listens for clients while it runs. */
  readonly clientPorts: ReadonlyMap<string, number>;
  readonly log: OperationLog;
  /** Whether this node has been told to stop, and does not serve again yet. */
  readonly isRestarting: (id: string) => boolean;
}

/** How a request fared. */
interface Fare {
  /** Of the first attempt; undefined when that was answered. */
  readonly firstFailure: string | undefined;
  readonly tookMs: number;
}

const CALL_TIMEOUT_MS = 15_000;
const MAX_THINK_MS = 20;
/** A node that closes a connection can't know that a request is on its way over it. */
const LOST_CONNECTION: readonly string[] = ['ECONNRESET', 'EPIPE'];

/** Clients that know nothing of restarts: each asks any node, and when that fails, once another. */
export class RollingLoad {
  readonly inputs = new KeyedInputs();
  readonly #options: RollingLoadOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #failures: string[] = [];
  readonly #unanswered: string[] = [];
  readonly #fares: Fare[] = [];
  /** When each write was acknowledged. */
  readonly #writtenAt: number[] = [];

  constructor(options: RollingLoadOptions) {
    this.#options = options;
  }

  /** Requests that failed twice. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /**
   * Names of writes that were lost with a connection that their node closed because it was stopping, and that can't be repeated:
   * whether they were done, their clients can't know.
   */
  get unanswered(): readonly string[] {
    return this.#unanswered;
  }

  get done(): number {
    return this.#fares.length;
  }

  /** How often a first attempt failed, by why. */
  get firstFailures(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { firstFailure } of this.#fares) {
      if (firstFailure !== undefined) counts.set(firstFailure, (counts.get(firstFailure) ?? 0) + 1);
    }
    return counts;
  }

  get longestMs(): number {
    return Math.max(0, ...this.#fares.map(({ tookMs }) => tookMs));
  }

  /** The longest time in which no write was acknowledged. */
  get longestSilenceMs(): number {
    return Math.max(0, ...this.#writtenAt.map((at, index) => at - (this.#writtenAt[index - 1] ?? at)));
  }

  /** Until the signal; each client ends its request first. */
  async run(signal: AbortSignal): Promise<void> {
    const { clients, seed } = this.#options;
    const lives = Array.from({ length: clients }, (_, at) =>
      this.#live(`client ${at + 1}`, new Seeded(seed + at), signal),
    );
    await Promise.all(lives);
    this.#agent.destroy();
  }

  async #live(name: string, random: Seeded, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#operate(name, random);
      await new Promise((resolve) => void setTimeout(resolve, random.int(MAX_THINK_MS)));
    }
  }

  async #operate(name: string, random: Seeded): Promise<void> {
    const { log } = this.#options;
    const input = this.inputs.next(random);
    if (input.type === 'get' || input.type === 'drawn') {
      await log.read(name, input, () => this.#ask({ type: 'read', query: input }, random));
      return;
    }
    const command: MachineCommand = this.inputs.nameIt(input);
    const type = random.bit() ? 'forwarded' : 'replicated';
    const { outcome } = await log.write(name, command, () => this.#ask({ type, command }, random));
    if (outcome === 'ok') this.#writtenAt.push(performance.now());
  }

  async #ask(call: RollingCall, random: Seeded): Promise<NodeOutcome> {
    const began = performance.now();
    const ids = [...this.#options.clientPorts.keys()];
    const first = random.pick(ids);
    const outcome = await this.#askOf(first, call);
    if (outcome.outcome === 'ok') return this.#answered(outcome, undefined, began);
    const firstFailure = `${call.type} ${outcome.outcome} ${outcome.code}`;
    if (call.type === 'replicated' && LOST_CONNECTION.includes(outcome.code) && this.#options.isRestarting(first)) {
      this.#unanswered.push(call.command.op);
      return outcome;
    }
    const other = random.pick(ids.filter((id) => id !== first));
    const second = isRepeatable(call, outcome) ? await this.#askOf(other, call) : outcome;
    if (second.outcome === 'ok') return this.#answered(second, firstFailure, began);
    this.#failures.push(`${firstFailure} at ${first}, then ${second.outcome} ${second.code} at ${other}`);
    // Whatever became of the second, the first may have been done.
    return outcome.outcome === 'unknown' ? outcome : second;
  }

  #answered(outcome: NodeOutcome, firstFailure: string | undefined, began: number): NodeOutcome {
    this.#fares.push({ firstFailure, tookMs: performance.now() - began });
    return outcome;
  }

  async #askOf(id: string, call: RollingCall): Promise<NodeOutcome> {
    const outcome = await post(this.#agent, this.#options.clientPorts.get(id) ?? 0, call, CALL_TIMEOUT_MS);
    // Nobody has heard of it.
    return outcome.outcome !== 'ok' && outcome.code === 'ECONNREFUSED'
      ? { ...outcome, outcome: 'not-applied' }
      : outcome;
  }
}

/** What is done once however often it is asked for, what changes nothing, and what certainly was not done. */
function isRepeatable({ type }: RollingCall, { outcome }: NodeOutcome): boolean {
  return type !== 'replicated' || outcome === 'not-applied';
}
