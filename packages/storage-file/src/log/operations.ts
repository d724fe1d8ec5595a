import { ClusterError, type LogAppendOptions, type LogBatch } from '@quorate/core';
import type { GroupView } from './group-view.ts';
import type { LogRecord } from './log-record.ts';

/** A change of one group that waits for its frame. */
export interface Operation {
  readonly view: GroupView;
  /** That it will write, about. */
  readonly bytes: number;
  /** It is decided by what is durable of its group, so nothing of that group may go before it in the same frame. */
  readonly isBarrier: boolean;
  /**
   * Adds what it has to say. Nothing: there is no need for it any more.
   * @throws ClusterError `INVALID_OPTIONS` when it can't follow what went before
   */
  put(frame: FrameDraft): void;
  resolve(): void;
  reject(error: ClusterError): void;
}

/** What has been put into the frame that is written next. */
export class FrameDraft {
  readonly records: LogRecord[] = [];
  readonly bodies: Uint8Array[] = [];
  readonly operations: Operation[] = [];
  bytes = 0;
  /** Something is in it that must never fall back. */
  hasState = false;
  /** Of the groups in it: the entry before the first and the last one, as they will be. */
  readonly #ranges = new Map<GroupView, { base: number; last: number }>();

  touches(view: GroupView): boolean {
    return this.#ranges.has(view);
  }

  range(view: GroupView): { base: number; last: number } {
    let range = this.#ranges.get(view);
    if (range === undefined) {
      range = { base: view.baseIndex, last: view.lastIndex };
      this.#ranges.set(view, range);
    }
    return range;
  }

  addBatch(kind: 'entries' | 'moved', group: number, batch: LogBatch): void {
    const { firstIndex, term, count, bytes, checksum } = batch;
    this.records.push({ kind, group, firstIndex, term, count, length: bytes.length, checksum });
    this.bodies.push(bytes);
  }
}

interface Settling {
  readonly resolve: () => void;
  readonly reject: (error: ClusterError) => void;
}

export function appendOperation(
  view: GroupView,
  batches: readonly LogBatch[],
  { state, commit }: LogAppendOptions,
  settling: Settling,
): Operation {
  let bytes = state?.length ?? 0;
  for (const batch of batches) bytes += batch.bytes.length;
  const put = (frame: FrameDraft): void => {
    const range = frame.range(view);
    checkBatches(view.id, range, batches);
    for (const batch of batches) frame.addBatch('entries', view.id, batch);
    const last = batches.at(-1);
    if (last !== undefined) range.last = last.firstIndex + last.count - 1;
    if (commit !== undefined) frame.records.push({ kind: 'commit', group: view.id, commit });
    if (state === undefined) return;
    frame.records.push({ kind: 'state', group: view.id, state });
    frame.hasState = true;
  };
  return { view, bytes, isBarrier: false, put, ...settling };
}

export function truncateOperation(view: GroupView, index: number, term: number, settling: Settling): Operation {
  const put = (frame: FrameDraft): void => {
    const range = frame.range(view);
    if (index <= range.base) return;
    const dropsAll = view.term(index) !== term;
    frame.records.push({ kind: 'base', group: view.id, index, term, dropsAll });
    range.base = index;
    if (dropsAll) range.last = index;
  };
  return { view, bytes: 0, isBarrier: true, put, ...settling };
}

/** Brings the group into being, so that what is kept beside the log isn't taken for nobody's. */
export function touchOperation(view: GroupView, settling: Settling): Operation {
  const put = (frame: FrameDraft): void => {
    frame.range(view);
    if (!view.exists) frame.records.push({ kind: 'commit', group: view.id, commit: 0 });
  };
  return { view, bytes: 0, isBarrier: true, put, ...settling };
}

export function removeOperation(view: GroupView, settling: Settling): Operation {
  const put = (frame: FrameDraft): void => {
    const range = frame.range(view);
    range.base = 0;
    range.last = 0;
    frame.records.push({ kind: 'removed', group: view.id });
  };
  return { view, bytes: 0, isBarrier: true, put, ...settling };
}

/** A batch that was read from where it is, to be written again. */
export interface MovedBatch {
  readonly batch: LogBatch;
  readonly segment: number;
  readonly offset: number;
}

export function moveOperation(view: GroupView, moved: readonly MovedBatch[], settling: Settling): Operation {
  let bytes = 0;
  for (const { batch } of moved) bytes += batch.bytes.length;
  const put = (frame: FrameDraft): void => {
    frame.range(view);
    // Meanwhile any of them may have been dropped, or its end replaced.
    for (const each of moved) if (isUnchanged(view, each)) frame.addBatch('moved', view.id, each.batch);
  };
  return { view, bytes, isBarrier: true, put, ...settling };
}

function isUnchanged({ index }: GroupView, { batch, segment, offset }: MovedBatch): boolean {
  const slot = index.find(batch.firstIndex);
  if (slot >= index.size) return false;
  const now = index.at(slot);
  const last = batch.firstIndex + batch.count - 1;
  return now.segment === segment && now.offset === offset && index.lastIndexAt(slot) === last;
}

function checkBatches(group: number, range: { base: number; last: number }, batches: readonly LogBatch[]): void {
  let { last } = range;
  for (const { firstIndex, count } of batches) {
    if (firstIndex <= range.base || firstIndex > last + 1) {
      const has = `entries ${range.base + 1} to ${last}`;
      throw new ClusterError('INVALID_OPTIONS', `log of group ${group}: ${firstIndex} can't follow ${has}`, {
        outcome: 'not-applied',
      });
    }
    last = firstIndex + count - 1;
  }
}
