import type { CommittedCommand, RestoreOptions, SnapshotSource, StateMachine } from '@quorate/core';
import { ClusterError } from '@quorate/core';
import type { SlotRecord } from '../slots/slot-claims.ts';
import { SlotTable } from '../slots/slot-table.ts';
import {
  type CoordinationCommand,
  type CoordinationResult,
  coordinationCodec,
  decodeState,
  encodeState,
} from './coordination-codec.ts';
import { gathered } from './chunks.ts';
import { RequestTable } from './request-table.ts';

/** The largest state that is taken for one, in bytes. */
export const MAX_STATE_BYTES: number = 256 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** What a cluster keeps of its tasks' slots and of forwarded requests; a query is the name of a task. */
export type CoordinationMachine = StateMachine<CoordinationCommand, CoordinationResult, string, SlotRecord | undefined>;

/**
 * Makes the state machine behind `slotClaims` and `rememberedRequests`, for `raftReplicator({ machine: coordinationMachine })`.
 */
export function coordinationMachine(): CoordinationMachine {
  return new ReplicatedCoordination();
}

class ReplicatedCoordination implements CoordinationMachine {
  readonly version = 1;
  readonly codec = coordinationCodec;
  #slots = new SlotTable();
  #requests = new RequestTable();

  apply(batch: readonly CommittedCommand<CoordinationCommand>[]): readonly CoordinationResult[] {
    return batch.map(({ command, time }) => this.#apply(command, time));
  }

  query(task: string): SlotRecord | undefined {
    const entry = this.#slots.get(task);
    if (entry === undefined) return undefined;
    const { last, outcome, starts } = entry;
    return { last, outcome, starts };
  }

  capture(): SnapshotSource {
    const bytes = encodeState({ slots: this.#slots.entries(), requests: this.#requests.entries() });
    const chunks = async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
    };
    return { chunks, release: () => undefined };
  }

  async restore(chunks: AsyncIterable<Uint8Array>, { version }: RestoreOptions): Promise<void> {
    if (version !== this.version) throw new ClusterError('CORRUPT', `a coordination state of version ${version}`);
    const { slots, requests } = decodeState(await gathered(chunks, MAX_STATE_BYTES));
    this.#slots = new SlotTable(slots);
    this.#requests = new RequestTable(requests);
  }

  #apply(command: CoordinationCommand, time: number): CoordinationResult {
    switch (command.do) {
      case 'nothing':
        return { kind: 'invalid' };
      case 'begin':
      case 'answer':
      case 'withdraw':
        return this.#requests.apply(command, time);
      case 'open':
      case 'claim':
      case 'reclaim':
      case 'settle':
      case 'forget':
        return this.#slots.apply(command);
    }
  }
}
