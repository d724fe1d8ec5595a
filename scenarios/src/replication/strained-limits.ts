import type { Edit } from '../mutants.ts';

/** A limit of raft-host's, as its source has it, and a lower one. */
function strain(file: string, limit: string, lower: string): Edit {
  return { in: 'raft-host', file, find: limit, replace: lower };
}

/**
 * Limits that no short life comes near, made so low that they are met all the time: entries that have to be read again,
 * batches cut in many, refusals for want of room. None of them is part of what is promised, so all of that must hold.
 */
export const strainedLimits: readonly Edit[] = [
  strain('running-group.ts', 'const CACHE_BYTES: number = 4 * 1024 * 1024;', 'const CACHE_BYTES: number = 600;'),
  strain('group-log-view.ts', 'const PAGE_BYTES: number = 1024 * 1024;', 'const PAGE_BYTES: number = 1000;'),
  strain('group-log-view.ts', 'const MAX_PAGES = 4;', 'const MAX_PAGES = 2;'),
  strain('core-config.ts', 'MAX_PENDING_BYTES: number = 64 * 1024 * 1024;', 'MAX_PENDING_BYTES: number = 3000;'),
  strain('core-config.ts', 'const MAX_MESSAGE_BYTES: number = 256 * 1024;', 'const MAX_MESSAGE_BYTES: number = 700;'),
  strain(
    'core-config.ts',
    'const MAX_INFLIGHT_BYTES: number = 4 * 1024 * 1024;',
    'const MAX_INFLIGHT_BYTES: number = 2000;',
  ),
  strain(
    'core-config.ts',
    'const MAX_APPLYING_BYTES: number = 4 * 1024 * 1024;',
    'const MAX_APPLYING_BYTES: number = 900;',
  ),
  strain('proposals.ts', 'const FULL_ENTRY_BYTES: number = 384 * 1024;', 'const FULL_ENTRY_BYTES: number = 400;'),
  strain('forwarding.ts', 'const FULL_REQUEST_BYTES: number = 256 * 1024;', 'const FULL_REQUEST_BYTES: number = 600;'),
  strain('outbox.ts', 'const FULL_FRAME_BYTES: number = 256 * 1024;', 'const FULL_FRAME_BYTES: number = 1000;'),
  strain('dispatch.ts', 'const MAX_PARKED = 65_536;', 'const MAX_PARKED = 10;'),
  strain('reads.ts', 'const MAX_WAITING_READS = 65_536;', 'const MAX_WAITING_READS = 4;'),
  strain('commands/applier.ts', '{ maxCommands: 1024, maxMs: 5 };', '{ maxCommands: 2, maxMs: 0 };'),
  strain('commands/replay.ts', 'const READ_BYTES: number = 1024 * 1024;', 'const READ_BYTES: number = 500;'),
  strain('commands/session-table.ts', 'export const MAX_SESSIONS = 10_000;', 'export const MAX_SESSIONS = 6;'),
  strain('commands/session-table.ts', 'export const MAX_UNSETTLED = 1024;', 'export const MAX_UNSETTLED = 5;'),
  strain(
    'raft-host.ts',
    "readTransferOptions('raft-host', {})",
    "readTransferOptions('raft-host', { snapshotBytesPerSecond: 65_536, patienceMs: 500, maxSends: 1 })",
  ),
];
