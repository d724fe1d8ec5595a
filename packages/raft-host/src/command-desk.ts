import { abortError, type CallOptions, type Clock, ClusterError, type Span, type Timer } from '@quorate/core';
import type { Command } from './commands/command-batch.ts';
import type { OutcomeCodec } from './commands/outcome-codec.ts';
import {
  commandsOf,
  decodeForwarded,
  encodeAnswers,
  encodeForwarded,
  type ForwardAnswer,
  type ForwardedCommands,
} from './forwarding.ts';
import type { GroupInstruments } from './group-instruments.ts';
import type { CommandOptions } from './group-status.ts';
import { MAX_COMMAND_BYTES, type Proposal, type Settled } from './proposals.ts';
import type { Leader } from './dispatch.ts';

const DEFAULT_TIMEOUT_MS = 5000;
const MAX_HOPS = 1;
/** Calls that may wait for the group to run. */
const MAX_EARLY = 65_536;

/** What traces calls. */
type DeskInstruments = Pick<GroupInstruments, 'span' | 'activeSpan'>;

/** Where commands go once the group runs. */
interface Submission<R> {
  submit(together: readonly Proposal<R>[]): void;
}

/** Takes commands in, from this node's callers and from other nodes, and tells each what became of it. */
export class CommandDesk<R> {
  readonly #group: number;
  readonly #clock: Clock;
  readonly #instruments: DeskInstruments;
  readonly #codec: OutcomeCodec<R>;
  readonly #objection: (command: Command) => ClusterError | undefined;
  readonly #leader: () => Leader;
  readonly #notLeader: () => ClusterError;
  readonly #passOn: (to: string, body: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  readonly #dispatch: () => Submission<R> | undefined;
  /** What has come before, in order, each until its time is over. */
  #early: Map<readonly Proposal<R>[], Timer> | undefined;
  /** Calls of other nodes that were sent on and not answered yet. */
  #passedOn = 0;
  /** Why no command is taken now. */
  #refusal: ClusterError | undefined;

  constructor(parts: {
    readonly group: number;
    readonly clock: Clock;
    readonly instruments: DeskInstruments;
    readonly codec: OutcomeCodec<R>;
    /** Why a command that came from another node is not to be committed. */
    readonly objection: (command: Command) => ClusterError | undefined;
    /** Undefined until the group runs. */
    readonly dispatch: () => Submission<R> | undefined;
    readonly leader: () => Leader;
    /** The error that names the leader, as far as it is known. */
    readonly notLeader: () => ClusterError;
    /** Sends forwarded commands on to whoever leads. */
    readonly passOn: (to: string, body: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  }) {
    this.#group = parts.group;
    this.#clock = parts.clock;
    this.#instruments = parts.instruments;
    this.#codec = parts.codec;
    this.#objection = parts.objection;
    this.#dispatch = parts.dispatch;
    this.#leader = parts.leader;
    this.#notLeader = parts.notLeader;
    this.#passOn = parts.passOn;
  }

  /** Whether no other node waits for what is answered elsewhere. */
  get isIdle(): boolean {
    return this.#passedOn === 0;
  }

  /** The group runs: what has waited for it goes on. */
  open(): void {
    for (const together of this.#takeEarly()) this.#take(together);
  }

  /** From here on commands are refused with this; or, with undefined, taken again. */
  refuse(error: ClusterError | undefined): void {
    this.#refusal = error === undefined ? undefined : notApplied(error);
    if (this.#refusal === undefined) return;
    for (const proposal of this.#takeEarly().flat()) proposal.reject(this.#refusal);
  }

  /**
   * Has commands committed and applied, next to each other, in their order.
   * @throws ClusterError `NOT_LEADER`, `QUORUM_LOST`, `TIMEOUT`, `OVERLOADED`, `ABORTED`, `CLOSED`, with the outcome
   */
  submit(commands: readonly Command[], options: CommandOptions = {}): Promise<Settled<R>[]> {
    const refusal = this.#refusalOf(commands, options);
    if (refusal !== undefined) return Promise.reject(refusal);
    const { timeoutMs = DEFAULT_TIMEOUT_MS, onAll = false } = options;
    const deadline = this.#clock.now() + timeoutMs;
    const span = this.#instruments.activeSpan('command');
    const { carrier } = span;
    const settled = abortable(options.signal, () => {
      const together: Proposal<R>[] = [];
      const settled = commands.map(
        (command) =>
          new Promise<Settled<R>>((resolve, reject) => {
            together.push({ command, deadline, onAll, carrier, resolve, reject });
          }),
      );
      this.#take(together);
      return Promise.all(settled);
    });
    return carrier === undefined ? settled : traced(span, settled);
  }

  /** Like `submit`, of one command: with less ado, because most come so. */
  submitOne(command: Command, options: CommandOptions = {}): Promise<Settled<R>> {
    const refusal = this.#refusalOf([command], options);
    if (refusal !== undefined) return Promise.reject(refusal);
    const { timeoutMs = DEFAULT_TIMEOUT_MS, onAll = false, signal } = options;
    const deadline = this.#clock.now() + timeoutMs;
    const span = this.#instruments.activeSpan('command');
    const { carrier } = span;
    const begin = () =>
      new Promise<Settled<R>>((resolve, reject) => {
        this.#take([{ command, deadline, onAll, carrier, resolve, reject }]);
      });
    const settled = signal === undefined ? begin() : abortable(signal, begin);
    return carrier === undefined ? settled : traced(span, settled);
  }

  /** Commands of another node's clients. */
  async answer(body: Uint8Array): Promise<Uint8Array> {
    const forwarded = decodeForwarded(body);
    const commands = commandsOf(forwarded);
    const leader = this.#leader();
    if (leader === 'self') return encodeAnswers(await this.#settleForwarded(commands, forwarded), this.#codec);
    if (leader === undefined || forwarded.hops >= MAX_HOPS) {
      const error = this.#notLeader();
      return encodeAnswers(
        commands.map((): ForwardAnswer<R> => ({ type: 'rejected', error })),
        this.#codec,
      );
    }
    const further = encodeForwarded({ ...forwarded, hops: forwarded.hops + 1 });
    this.#passedOn += 1;
    try {
      return await this.#passOn(leader.nodeId, further, forwarded.timeoutMs);
    } finally {
      this.#passedOn -= 1;
    }
  }

  #settleForwarded(
    commands: readonly Command[],
    { onAll, timeoutMs, carriers }: ForwardedCommands,
  ): Promise<readonly ForwardAnswer<R>[]> {
    const deadline = this.#clock.now() + timeoutMs;
    const together: Proposal<R>[] = [];
    const answers = commands.map(
      (command, place) =>
        new Promise<ForwardAnswer<R>>((answer) => {
          const span = this.#instruments.span('command', carriers?.get(place), 'server');
          const { carrier } = span;
          const resolve = (settled: Settled<R>) => {
            span.end();
            answer({ type: 'settled', settled });
          };
          const reject = (error: ClusterError) => {
            span.end(error);
            answer({ type: 'rejected', error });
          };
          const objection = this.#objection(command);
          if (objection === undefined) together.push({ command, deadline, onAll, carrier, resolve, reject });
          else reject(objection);
        }),
    );
    if (this.#refusal === undefined) this.#take(together);
    else for (const proposal of together) proposal.reject(this.#refusal);
    return Promise.all(answers);
  }

  #take(together: readonly Proposal<R>[]): void {
    const dispatch = this.#dispatch();
    if (dispatch === undefined) this.#wait(together);
    else dispatch.submit(together);
  }

  #wait(together: readonly Proposal<R>[]): void {
    const deadline = Math.min(...together.map((proposal) => proposal.deadline));
    const timer = this.#clock.setTimer(Math.max(0, deadline - this.#clock.now()), () => {
      this.#early?.delete(together);
      const message = `group ${this.#group} has not begun to run here in time`;
      const error = new ClusterError('QUORUM_LOST', message, { outcome: 'not-applied' });
      for (const proposal of together) proposal.reject(error);
    });
    (this.#early ??= new Map()).set(together, timer);
  }

  #takeEarly(): readonly (readonly Proposal<R>[])[] {
    const early = this.#early ?? new Map<readonly Proposal<R>[], Timer>();
    this.#early = undefined;
    for (const timer of early.values()) timer.cancel();
    return [...early.keys()];
  }

  /** Why these commands can't even be tried. */
  #refusalOf(commands: readonly Command[], { signal }: CommandOptions): ClusterError | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    if (signal?.aborted === true) return abortError(signal, 'the command', 'not-applied');
    let bytes = 0;
    for (const command of commands) bytes += 'data' in command ? command.data.length : 0;
    if (bytes > MAX_COMMAND_BYTES) {
      const what = `${commands.length} commands of ${bytes} bytes together`;
      return overloaded(`${what}: at most ${MAX_COMMAND_BYTES} are taken at once`);
    }
    if (this.#early !== undefined && this.#early.size >= MAX_EARLY)
      return overloaded(`group ${this.#group} doesn't run yet, and enough waits for it`);
    return undefined;
  }
}

function overloaded(message: string): ClusterError {
  return new ClusterError('OVERLOADED', message, { outcome: 'not-applied' });
}

function notApplied(error: ClusterError): ClusterError {
  const { code, message, leader } = error;
  return new ClusterError(code, message, { cause: error, leader, outcome: 'not-applied' });
}

/** Ends the span with what it is about. */
export async function traced<T>(span: Span, settled: Promise<T>): Promise<T> {
  try {
    const value = await settled;
    span.end();
    return value;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** Ends with the signal as well; what was begun goes on. */
export function abortable<T>(signal: CallOptions['signal'], begin: () => Promise<T>): Promise<T> {
  if (signal === undefined) return begin();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortError(signal, 'the call', 'unknown'));
    signal.addEventListener('abort', onAbort, { once: true });
    begin()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
