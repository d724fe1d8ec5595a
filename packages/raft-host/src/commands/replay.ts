import { ClusterError, decodeBatch, type GroupLog, isClusterError } from '@quorate/core';
import type { Entry } from '@quorate/raft';
import { typeOf } from '../wire/entry-kind.ts';
import type { AppliedMachine, EntryFeed, Halt } from './entry-feed.ts';
import type { Interruption } from './entry-run.ts';
import { snapshotContent } from './snapshot-content.ts';

/** Where a machine comes from when it has to be rebuilt. */
export type History = Pick<GroupLog, 'snapshot' | 'readSnapshot' | 'read'>;

/** Read from the log at once. */
const READ_BYTES: number = 1024 * 1024;

/**
 * Makes the machine what the newest snapshot says, unless it is further already.
 * @throws ClusterError `CORRUPT`, `IO`, `UNSUPPORTED`, `ABORTED`; what the machine throws
 */
export async function takeSnapshot(
  machine: AppliedMachine<unknown>,
  history: History,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const { snapshot } = history;
    if (snapshot === undefined || snapshot.index <= machine.applied.index) return;
    try {
      await machine.restore(snapshotContent(history, snapshot), { signal });
      return;
    } catch (error) {
      // A newer one has come meanwhile.
      if (history.snapshot?.index === snapshot.index || !isClusterError(error, 'NOT_FOUND')) throw error;
    }
  }
}

/**
 * Feeds a machine from the log, from where it is to `through`.
 * @param rest resolves when others have had their turn, if that is due; then, whether to go on
 * @returns why it could not go on; undefined when it is there, or was not to go on
 * @throws ClusterError as `takeSnapshot`
 */
export async function replay<R>(
  feed: EntryFeed<R>,
  machine: AppliedMachine<R>,
  history: History,
  options: { readonly through: number; readonly signal: AbortSignal; readonly rest: () => Promise<boolean> },
): Promise<Interruption | Halt | undefined> {
  while (machine.applied.index < options.through) {
    const entries = await read(history, machine.applied.index + 1, options.through);
    if (!(await options.rest())) return undefined;
    if (entries === undefined) {
      await takeSnapshot(machine, history, options.signal);
      const halt = feed.restored();
      if (halt !== undefined) return halt;
    } else {
      const interruption = await feedAll(feed, entries, options.rest);
      if (interruption !== undefined) return interruption;
    }
    if (!(await options.rest())) return undefined;
  }
  return undefined;
}

async function feedAll<R>(
  feed: EntryFeed<R>,
  entries: readonly Entry[],
  rest: () => Promise<boolean>,
): Promise<Interruption | undefined> {
  for (let at = 0; at < entries.length;) {
    const end = feed.apply(entries, at);
    if (typeof end !== 'number') return end;
    at = end;
    if (!(await rest())) return undefined;
  }
  return undefined;
}

/** Entries from there on; undefined when a snapshot has taken their place. */
async function read(history: History, from: number, through: number): Promise<readonly Entry[] | undefined> {
  try {
    const batches = await history.read(from, READ_BYTES);
    const entries = batches.flatMap(decodeBatch).filter(({ index }) => index >= from && index <= through);
    if (entries.length === 0) throw new ClusterError('CORRUPT', `the log has no entry ${from}, which is committed`);
    return entries.map(({ index, term, kind, data }) => ({ index, term, type: typeOf(kind), data }));
  } catch (error) {
    const isReplaced = isClusterError(error, 'NOT_FOUND') && (history.snapshot?.index ?? 0) >= from;
    if (!isReplaced) throw error;
    return undefined;
  }
}
