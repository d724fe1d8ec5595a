import { memoryNetwork, memoryTransport } from '@quorate/memory';
import type { Plugin, Transport } from '@quorate/core';
import type { RaftTimings, SnapshotPolicyOptions } from '@quorate/replicator-raft';
import type { World } from '@quorate/simulator';
import type { FileLogOptions } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import type { ClientHabits } from './ledger-client.ts';
import type { Trial } from './trial.ts';

/** What is special about one life, as its seed has it: no two are alike. */
export interface LifeCharacter {
  readonly nodes: number;
  readonly clients: number;
  readonly habits: ClientHabits;
  readonly timings: RaftTimings;
  readonly snapshots: SnapshotPolicyOptions;
  readonly log: FileLogOptions;
  readonly sessionTtlMs: number;
  /** Beside the replicator there is an election, which shares its group. */
  readonly hasElection: boolean;
  /** On each node, a client does nothing but read by the lease, as long as there is one. */
  readonly hasLeaseReaders: boolean;
  /** Whether the group is told how far clocks drift: without that nobody has a lease, and nobody is bound to a leader. */
  readonly hasLease: boolean;
  /** What the life is about, if it is about one promise. */
  readonly trial: Trial | undefined;
  readonly transport: () => Plugin<Transport, 'transport'>;
  readonly describe: string;
}

/** How far any clock may be wrong: more than real ones are, so that the margin for it is tested. */
const MAX_DRIFT = 0.05;
/** The most that a group can be told. */
const WIDE_DRIFT = 0.2;

const LAN: RaftTimings = { tickMs: 10, heartbeatMs: 50, electionMs: 200 };
const COARSE: RaftTimings = { tickMs: 25, heartbeatMs: 50, electionMs: 200 };

export function drawCharacter(world: World, trial: Trial | undefined): LifeCharacter {
  const character = drawAny(world, trial);
  return trial === undefined ? character : onTrial(world, character);
}

/** Clients that write little but often, so that whatever is old is soon seen to be. */
function onTrial(world: World, character: LifeCharacter): LifeCharacter {
  const { habits } = character;
  const isAboutReads = character.trial === 'reads';
  return {
    ...character,
    habits: {
      ...habits,
      thinkMs: isAboutReads ? 40 : habits.thinkMs,
      valueBytes: 20,
      reads: 0.1,
      sessions: 0,
      batches: 0,
      timeoutMs: 100,
      maxDrift: world.chance(0.7) ? WIDE_DRIFT : MAX_DRIFT,
    },
    hasLease: isAboutReads || world.chance(0.5),
    hasElection: true,
    hasLeaseReaders: false,
  };
}

function drawAny(world: World, trial: Trial | undefined): LifeCharacter {
  const { random } = world;
  const nodes = world.chance(0.6) ? 3 : 4 + random.int(2);
  const isMemory = world.chance(0.3);
  const snapshots = drawPolicy(world);
  const clients = 3 + random.int(4);
  return {
    nodes,
    clients,
    habits: {
      thinkMs: 20 + random.next() * 200,
      valueBytes: world.chance(0.2) ? 20_000 : random.int(200),
      reads: 0.3 + random.next() * 0.3,
      sessions: random.next() * 0.2,
      batches: random.next() * 0.2,
      timeoutMs: Infinity,
      maxDrift: MAX_DRIFT,
    },
    timings: world.chance(0.5) ? LAN : COARSE,
    snapshots,
    log: { segmentBytes: 64 * 1024, cacheBytes: world.chance(0.5) ? 0 : 256 * 1024 },
    sessionTtlMs: world.chance(0.5) ? 1000 : 5000,
    hasElection: world.chance(0.4),
    hasLeaseReaders: world.chance(0.4),
    hasLease: true,
    trial,
    transport: isMemory ? messages(world) : streams,
    describe: `${nodes} nodes, ${isMemory ? 'messages' : 'TCP'}, ${clients} clients, ${trial ?? 'all'} on trial, ${JSON.stringify(snapshots)}`,
  };
}

/** So small that snapshots, cuts and followers too far behind are everyday matters. */
function drawPolicy(world: World): SnapshotPolicyOptions {
  const { random } = world;
  return {
    everyEntries: 3 + random.int(60),
    keepEntries: world.chance(0.5) ? random.int(5) : random.int(40),
    ...(world.chance(0.3) && { everyBytes: 1000 + random.int(50_000) }),
    ...(world.chance(0.5) && { keepBytes: random.int(20_000) }),
  };
}

/** Messages by themselves, which may be lost, doubled and overtaken. */
function messages(world: World): () => Plugin<Transport, 'transport'> {
  const network = memoryNetwork({ route: world.route });
  return () => memoryTransport({ network, reconnect: { minMs: 100, maxMs: 1000 }, silenceMs: 2000 });
}

function streams(): Plugin<Transport, 'transport'> {
  return tcpTransport({
    reconnect: { minMs: 100, maxMs: 1000 },
    heartbeat: { intervalMs: 500, timeoutMs: 2000 },
  });
}
