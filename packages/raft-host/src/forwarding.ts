import { ByteReader, ByteWriter, ClusterError, isCarrier, type NodeId, toClusterError } from '@quorate/core';
import { CommandBatchWriter, decodeCommandBatch } from './commands/command-batch.ts';
import { decodeError, encodeError } from './commands/error-codec.ts';
import type { OutcomeCodec } from './commands/outcome-codec.ts';
import type { Proposal, Settled } from './proposals.ts';

/** What is told of one forwarded command: it was applied, or why it is not known to be. */
export type ForwardAnswer<R> =
  | { readonly type: 'settled'; readonly settled: Settled<R> }
  | { readonly type: 'rejected'; readonly error: ClusterError };

/** Commands that one node forwards to another. */
export interface ForwardedCommands {
  /** How often they have been passed on. */
  readonly hops: number;
  readonly onAll: boolean;
  /** The longest that any of them may take. */
  readonly timeoutMs: number;
  /** Of the spans that commands are in, by their places in the batch. Undefined where nothing is traced. */
  readonly carriers?: ReadonlyMap<number, string> | undefined;
  /** An encoded batch of commands. */
  readonly batch: Uint8Array;
}

/** What one call takes; more make several. */
const FULL_REQUEST_BYTES: number = 256 * 1024;
const VERSION = 1;
/** Of commands of which some are traced; without any it is the version before, as if nothing were. */
const TRACED_VERSION = 2;
/** More are committed without a trace. */
const MAX_TRACED = 256;
// Version, hops, flags (1 byte each), timeout (4).
const HEADER_BYTES = 7;
const ON_ALL = 1;
const MAX_TIMEOUT_MS: number = 2 ** 32 - 1;

export function encodeForwarded({ hops, onAll, timeoutMs, carriers, batch }: ForwardedCommands): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES + batch.length);
  const isTraced = carriers !== undefined && carriers.size > 0;
  writer
    .u8(isTraced ? TRACED_VERSION : VERSION)
    .u8(hops)
    .u8(onAll ? ON_ALL : 0);
  writer.u32(Math.min(MAX_TIMEOUT_MS, Math.max(0, Math.ceil(timeoutMs))));
  if (isTraced) writeCarriers(writer, carriers);
  return writer.bytes(batch).view();
}

/** @throws ClusterError `PROTOCOL` */
export function decodeForwarded(bytes: Uint8Array): ForwardedCommands {
  const reader = new ByteReader('forwarded commands', bytes);
  const version = reader.u8();
  if (version !== VERSION && version !== TRACED_VERSION) throw reader.unsound('they are of another version');
  const head = { hops: reader.u8(), onAll: reader.u8() === ON_ALL, timeoutMs: reader.u32() };
  if (version === VERSION) return { ...head, batch: reader.rest() };
  return { ...head, carriers: readCarriers(reader), batch: reader.rest() };
}

/** Their number (2 bytes), and of each its place in the batch (4), its length (2) and text. */
function writeCarriers(writer: ByteWriter, carriers: ReadonlyMap<number, string>): void {
  const told = [...carriers].slice(0, MAX_TRACED);
  writer.u16(told.length);
  for (const [place, carrier] of told) writer.u32(place).text(carrier, 'u16');
}

/** Of what is traced wrongly nothing is lost but the trace. */
function readCarriers(reader: ByteReader): ReadonlyMap<number, string> {
  const count = reader.u16();
  if (count > MAX_TRACED) throw reader.unsound('more is traced than can be');
  const carriers = new Map<number, string>();
  for (let read = 0; read < count; read += 1) {
    const place = reader.u32();
    const carrier = reader.text('u16');
    if (isCarrier(carrier)) carriers.set(place, carrier);
  }
  return carriers;
}

/** Version, then of each command: whether it was settled (1 byte), index, length, and its outcome or error. */
export function encodeAnswers<R>(answers: readonly ForwardAnswer<R>[], codec: OutcomeCodec<R>): Uint8Array {
  const writer = new ByteWriter().u8(VERSION);
  for (const answer of answers) {
    const isSettled = answer.type === 'settled';
    const body = isSettled ? codec.encode(answer.settled.outcome) : encodeError(answer.error);
    writer
      .u8(isSettled ? 1 : 0)
      .number(isSettled ? answer.settled.index : 0)
      .sized(body);
  }
  return writer.copy();
}

/** @throws ClusterError `PROTOCOL` unless there are this many */
function decodeAnswers<R>(bytes: Uint8Array, count: number, codec: OutcomeCodec<R>): readonly ForwardAnswer<R>[] {
  const reader = new ByteReader('answers to forwarded commands', bytes);
  if (reader.u8() !== VERSION) throw reader.unsound('they are of another version');
  const answers: ForwardAnswer<R>[] = [];
  while (answers.length < count) {
    const isSettled = reader.u8() === 1;
    const index = reader.number();
    const body = reader.sized();
    answers.push(
      isSettled
        ? { type: 'settled', settled: { index, outcome: codec.decode(body) } }
        : { type: 'rejected', error: decodeError(body) },
    );
  }
  reader.end();
  return answers;
}

/** The commands of other nodes' clients, on their way to the leader: one call a turn. */
export class Forwarding<R> {
  readonly #codec: OutcomeCodec<R>;
  readonly #send: (to: NodeId, commands: ForwardedCommands) => Promise<Uint8Array>;
  readonly #retry: (proposals: readonly Proposal<R>[]) => void;
  readonly #now: () => number;
  /** By whether all voters are to have them. */
  #gathered: Map<boolean, Proposal<R>[][]> | undefined;
  /** Calls that were not answered yet. */
  #calls = 0;

  constructor(parts: {
    readonly codec: OutcomeCodec<R>;
    readonly now: () => number;
    readonly send: (to: NodeId, commands: ForwardedCommands) => Promise<Uint8Array>;
    /** These have certainly not been applied, and may be tried again. */
    readonly retry: (proposals: readonly Proposal<R>[]) => void;
  }) {
    this.#codec = parts.codec;
    this.#now = parts.now;
    this.#send = parts.send;
    this.#retry = parts.retry;
  }

  get isEmpty(): boolean {
    return this.#calls === 0 && (this.#gathered?.size ?? 0) === 0;
  }

  /** Takes proposals that stay together. */
  gather(together: readonly Proposal<R>[]): void {
    const [first] = together;
    if (first === undefined) return;
    this.#gathered ??= new Map();
    const others = this.#gathered.get(first.onAll) ?? [];
    others.push([...together]);
    this.#gathered.set(first.onAll, others);
  }

  /** Sends what was gathered to this leader. */
  flush(leader: NodeId): void {
    for (const [onAll, groups] of this.#gathered ?? []) {
      this.#gathered?.delete(onAll);
      let proposals: Proposal<R>[] = [];
      let writer = new CommandBatchWriter(0);
      for (const group of groups) {
        for (const proposal of group) {
          writer.add(proposal.command);
          proposals.push(proposal);
        }
        if (writer.bytes < FULL_REQUEST_BYTES) continue;
        void this.#forward(leader, onAll, proposals, writer.take(0));
        proposals = [];
        writer = new CommandBatchWriter(0);
      }
      if (proposals.length > 0) void this.#forward(leader, onAll, proposals, writer.take(0));
    }
  }

  /** Takes back what was gathered and not sent: there is no leader to send it to any more. */
  takeBack(): readonly (readonly Proposal<R>[])[] {
    const gathered = this.#gathered;
    this.#gathered = undefined;
    return gathered === undefined ? [] : [...gathered.values()].flat();
  }

  async #forward(leader: NodeId, onAll: boolean, proposals: Proposal<R>[], batch: Uint8Array): Promise<void> {
    const timeoutMs = Math.max(...proposals.map(({ deadline }) => deadline)) - this.#now();
    if (timeoutMs <= 0) return rejectLate(proposals);
    this.#calls += 1;
    try {
      const bytes = await this.#send(leader, { hops: 0, onAll, timeoutMs, carriers: carriersOf(proposals), batch });
      this.#settle(proposals, decodeAnswers(bytes, proposals.length, this.#codec));
    } catch (cause) {
      this.#failed(proposals, toClusterError(cause, 'PROTOCOL', `forward to ${leader}`));
    } finally {
      this.#calls -= 1;
    }
  }

  #settle(proposals: readonly Proposal<R>[], answers: readonly ForwardAnswer<R>[]): void {
    const again: Proposal<R>[] = [];
    for (const [at, answer] of answers.entries()) {
      const proposal = proposals[at] as Proposal<R>;
      if (answer.type === 'settled') proposal.resolve(answer.settled);
      else if (isForAnother(answer.error)) again.push(proposal);
      else proposal.reject(answer.error);
    }
    if (again.length > 0) this.#retry(again);
  }

  #failed(proposals: readonly Proposal<R>[], error: ClusterError): void {
    if (error.outcome === 'not-applied' || error.code === 'NOT_FOUND') {
      this.#retry(proposals);
      return;
    }
    const { code, message } = error;
    const unknown = new ClusterError(code, message, { cause: error, outcome: 'unknown' });
    for (const proposal of proposals) proposal.reject(unknown);
  }
}

function carriersOf(proposals: readonly Proposal<unknown>[]): ReadonlyMap<number, string> | undefined {
  let carriers: Map<number, string> | undefined;
  for (let place = 0; place < proposals.length; place += 1) {
    const carrier = proposals[place]?.carrier;
    if (carrier !== undefined) (carriers ??= new Map()).set(place, carrier);
  }
  return carriers;
}

/** The process stood still, and when it went on, their time was over. */
function rejectLate(proposals: readonly Proposal<unknown>[]): void {
  const error = new ClusterError('TIMEOUT', 'the command was not sent to the leader in time', {
    outcome: 'not-applied',
  });
  for (const proposal of proposals) proposal.reject(error);
}

/** It leads no more, or is stopping: whoever leads next may take them. */
function isForAnother({ code, outcome }: ClusterError): boolean {
  return outcome === 'not-applied' && (code === 'NOT_LEADER' || code === 'CLOSED');
}

/** The commands in a forwarded batch. @throws ClusterError `CORRUPT` */
export function commandsOf({ batch }: ForwardedCommands): ReturnType<typeof decodeCommandBatch>['commands'] {
  return decodeCommandBatch(batch).commands;
}
