import { type ClusterContext, ClusterError, messageKind, type NodeId, type System } from '@quorate/core';
import type { GroupPhase, RaftGroup } from '@quorate/raft-host';
import { lockCodec, type LockAnswer, type LockCommand, type LockQuery, type LockResult } from './lock-command.ts';

export type LockGroup = RaftGroup<LockCommand, LockResult, LockQuery, LockAnswer>;

export interface SendOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const MEMBER_PHASES: readonly GroupPhase[] = ['opening', 'forming', 'running', 'halted'];
/** The longest that a member waits on behalf of another node. */
const MAX_TIMEOUT_MS = 60_000;

/** Has commands applied: by the group where this node is one of its members, and otherwise by a member. */
export class LockDesk implements Disposable {
  readonly #context: ClusterContext;
  readonly #random: System['random'];
  readonly #group: () => LockGroup | undefined;
  readonly #handlers: readonly Disposable[];
  /** Who has answered last, being a member. */
  #member: NodeId | undefined;

  /** @param onNudge called when a member says that something has come */
  constructor(context: ClusterContext, group: () => LockGroup | undefined, onNudge: () => void) {
    this.#context = context;
    this.#random = context.random;
    this.#group = group;
    const { transport } = context;
    this.#handlers = [
      transport.onRequest(messageKind.LOCKS, (from, payload) => this.#answer(from, payload)),
      transport.onMessage(messageKind.LOCKS, onNudge),
    ];
  }

  /** @throws ClusterError whatever prevents it: then nobody knows whether it was applied, and it may be sent again */
  async send(command: LockCommand, options: SendOptions): Promise<LockResult> {
    const group = this.#group();
    if (group === undefined) throw new ClusterError('CLOSED', 'lock-raft: not started');
    if (isMember(group)) return await submit(group, command, options);
    return await this.#ask(command, options);
  }

  /** Tells a node that keeps no log that it has been granted something. Should that be lost, it learns when it renews. */
  nudge(nodeId: NodeId): void {
    this.#context.transport.send(nodeId, messageKind.LOCKS, new Uint8Array());
  }

  [Symbol.dispose](): void {
    for (const handler of this.#handlers) handler[Symbol.dispose]();
  }

  async #ask(command: LockCommand, options: SendOptions): Promise<LockResult> {
    const { transport } = this.#context;
    const connected = transport.peers.filter(({ state }) => state === 'connected').map(({ node }) => node.id);
    const drawn = connected[Math.floor(this.#random.next() * connected.length)];
    const member = connected.find((nodeId) => nodeId === this.#member) ?? drawn;
    if (member === undefined) throw new ClusterError('DISCONNECTED', 'lock-raft: no member can be reached');
    // Another one is asked next, unless this one answers.
    this.#member = undefined;
    const answer = await transport.request(
      member,
      messageKind.LOCKS,
      encodeRequest(command, options.timeoutMs),
      options,
    );
    const result = lockCodec.result.decode(answer);
    this.#member = member;
    return result;
  }

  async #answer(from: NodeId, payload: Uint8Array): Promise<Uint8Array> {
    const { command, timeoutMs } = decodeRequest(payload);
    if (command.type === 'expire' || command.holder.nodeId !== from) {
      throw new ClusterError('PROTOCOL', `lock-raft: ${from} asks for what is not its own`);
    }
    const group = this.#group();
    if (group === undefined || !isMember(group)) {
      throw new ClusterError('UNSUPPORTED', `${this.#context.self.id} is no member of the group that keeps the locks`);
    }
    return lockCodec.result.encode(await submit(group, command, { timeoutMs }));
  }
}

function isMember(group: LockGroup): boolean {
  return MEMBER_PHASES.includes(group.status.phase);
}

async function submit(group: LockGroup, command: LockCommand, options: SendOptions): Promise<LockResult> {
  const { outcome } = await group.submitOne({ kind: 'plain', data: group.encode(command) }, options);
  if (!outcome.ok) throw outcome.error;
  if (outcome.kind !== 'result') throw new ClusterError('PROTOCOL', `lock-raft: answered with ${outcome.kind}`);
  return outcome.result;
}

/** Milliseconds (4 bytes), then the command. */
function encodeRequest(command: LockCommand, timeoutMs: number): Uint8Array {
  const encoded = lockCodec.command.encode(command);
  const bytes = new Uint8Array(4 + encoded.length);
  new DataView(bytes.buffer).setUint32(0, Math.ceil(timeoutMs));
  bytes.set(encoded, 4);
  return bytes;
}

function decodeRequest(bytes: Uint8Array): { readonly command: LockCommand; readonly timeoutMs: number } {
  if (bytes.length < 4) throw new ClusterError('PROTOCOL', 'lock-raft: a request that is cut off');
  const timeoutMs = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const command = lockCodec.command.decode(bytes.subarray(4));
  return { command, timeoutMs: Math.min(MAX_TIMEOUT_MS, Math.max(1, timeoutMs)) };
}
