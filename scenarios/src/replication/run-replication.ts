import { createWorld, type Seed, type World } from '@quorate/simulator';
import { checkLinearizable, explainViolation } from '@quorate/testkit';
import { ledgerModel } from './ledger-history.ts';
import { ReplicationLife } from './replication-life.ts';
import { type ReplicationParts, replicationParts } from './replication-parts.ts';
import type { Trial } from './trial.ts';

export interface ReplicationOptions {
  /**
   * Whether bits turn over on the disks of some nodes, fewer than half.
   * @default as the seed has it
   */
  readonly rots?: boolean;
  /**
   * The one promise that the life is about: all its faults are attacks on that.
   * @default as the seed has it; mostly none
   */
  readonly trial?: Trial | 'none';
}

export interface ReplicationResult {
  readonly hash: string;
  readonly trace: string;
  /** Commands that were applied. */
  readonly commands: number;
  /** How many calls ended how. */
  readonly counts: ReadonlyMap<string, number>;
  /** From the end of the faults to an acknowledged write and a fresh read on every node. */
  readonly recoveredAfterMs: number;
  /** False where the history was too entangled for a verdict within reason. */
  readonly isDecided: boolean;
}

const FAULTS_MS = 12_000;
const TRIAL_MS = 6000;
/** Within which every node must be of use once the faults have ended. */
const RECOVERY_MS = 30_000;
const PEACE_MS = 500;
const MAX_CONFIGURATIONS = 200_000;

/**
 * One seeded life of a replicated state machine on whole nodes: clients and faults of every kind, what was promised
 * checked after every event, then peace, in which every node must be of use and all come to the same state.
 * @throws Error with seed and trace when a promise was broken
 */
export async function runReplication(
  seed: Seed,
  parts: ReplicationParts = replicationParts,
  options: ReplicationOptions = {},
): Promise<ReplicationResult> {
  const world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 2 } });
  const life = new ReplicationLife(world, parts, options);
  life.startAll();
  const readers = life.readers.map(({ read }) => read());
  const clients = Promise.all([...readers, ...life.clients.map((client) => client.run())]);
  (life.trial ?? life.faults).start();
  life.rot.start();
  await world.run(life.trial === undefined ? FAULTS_MS : TRIAL_MS);
  life.trial?.stop();
  life.faults.stop();
  life.rot.stop();
  life.settle();
  const recoveredAfterMs = await recover(world, life);
  await world.run(PEACE_MS);
  for (const client of [...life.clients, ...life.readers.map((reader) => reader.client)]) client.stop();
  await world.settled(clients, RECOVERY_MS);
  await finish(world, life);
  return {
    hash: world.trace.hash,
    trace: world.trace.text(),
    commands: life.order.highest,
    counts: life.counts,
    recoveredAfterMs,
    isDecided: isLinearizable(world, life),
  };
}

/** Every node takes a write and answers a fresh read. */
async function recover(world: World, life: ReplicationLife): Promise<number> {
  const peace = world.now;
  await world.runUntil(() => life.nodes().length === world.hosts.length, RECOVERY_MS);
  const prober = life.client('prober');
  await world.settled(Promise.all(life.nodes().map((node) => prober.probe(node))), RECOVERY_MS);
  return world.now - peace;
}

/** All replicas come to the same state, with all that was acknowledged. */
async function finish(world: World, life: ReplicationLife): Promise<void> {
  const reader = life.client('reader');
  await world.settled(Promise.all(life.nodes().map((node) => reader.readAll(node))), RECOVERY_MS);
  await world.runUntil(() => life.isEqual(), RECOVERY_MS);
  const { order, promises } = life;
  if (order.highest < promises.highestAcknowledged) throw new Error('durability: something acknowledged is gone');
  await life.stop();
  await world.run(0);
}

function isLinearizable(world: World, life: ReplicationLife): boolean {
  const history = life.history.judgedBy(life.order);
  const verdict = checkLinearizable(ledgerModel, history, { maxConfigurations: MAX_CONFIGURATIONS });
  if (verdict.verdict !== 'not-linearizable') return verdict.verdict === 'linearizable';
  throw new Error(`${explainViolation(verdict)}\n  seed ${JSON.stringify(world.seed)}`);
}
