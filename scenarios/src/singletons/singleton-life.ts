import {
  type CoordinationCommand,
  coordinationMachine,
  type CoordinationResult,
  type SingletonRun,
  type SingletonTask,
  singletonTask,
  type SlotClaims,
  slotClaims,
  type SlotRecord,
} from '@quorate/coordination';
import { type Cluster, createCluster, type Replicator, sleep, type System } from '@quorate/core';
import { raftElection } from '@quorate/election-raft';
import { type MemoryDisk, memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { raftReplicator } from '@quorate/replicator-raft';
import { type Faults, faults, type Host, type World } from '@quorate/simulator';
import { SingletonRules } from './singleton-rules.ts';

/** What is on trial: the package, or a mutant of it. */
export interface SingletonParts {
  readonly singletonTask: typeof singletonTask;
  readonly slotClaims: typeof slotClaims;
  readonly coordinationMachine: typeof coordinationMachine;
}

export const singletonParts: SingletonParts = { singletonTask, slotClaims, coordinationMachine };

type CoordinatedCluster = Cluster<Replicator<CoordinationCommand, CoordinationResult, string, SlotRecord | undefined>>;

const TASK = 'tick';
export const STEP_MS = 500;
/** How often a process stands still at a claim. */
const STALL_AT_CLAIM = 0.05;
const NAMES = ['a', 'b', 'c'];
const PORT = 7000;
/** The longest that a slot's work takes when nothing goes wrong any more. */
const PEACEFUL_MS = 100;
const MAX_DRIFT = 0.02;
/** By how much a wall clock may be wrong while things go wrong. */
const MAX_WALL_OFFSET_MS = 3000;
const SMALL_SNAPSHOTS = { everyEntries: 30, keepEntries: 5, keepBytes: 4096 };

/** Nodes with one task that is to be done twice a second, by one of them, whatever happens to them. */
export class SingletonLife {
  readonly rules: SingletonRules;
  readonly onInterrupted: 'skip' | 'rerun';
  readonly #world: World;
  readonly #parts: SingletonParts;
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #disks = new Map<string, MemoryDisk>();
  readonly #clusters = new Map<string, CoordinatedCluster>();
  readonly #wallOffset = new Map<string, number>();
  readonly #failing: number;
  readonly #longestMs: number;
  #faults: Faults | undefined;
  #isOver = false;

  constructor(world: World, parts: SingletonParts) {
    this.#world = world;
    this.#parts = parts;
    this.rules = new SingletonRules(world);
    this.#network = memoryNetwork({ route: world.route });
    this.onInterrupted = world.chance(0.5) ? 'rerun' : 'skip';
    this.#failing = world.chance(0.5) ? 0.1 : 0;
    this.#longestMs = world.chance(0.3) ? 900 : 300;
    for (const name of NAMES) world.host(name, { drift: (world.random.next() - 0.5) * MAX_DRIFT });
  }

  startAll(): void {
    for (const host of this.#world.hosts) this.start(host);
  }

  /** Begins to do harm. */
  harm(): void {
    const restart = (host: Host): void => this.start(host);
    const everyMs = 200 + this.#world.random.int(1500);
    this.#faults = faults(this.#world, this.#world.hosts, { everyMs, restart, maxDrift: MAX_DRIFT / 2 });
    this.#disturb();
  }

  /** Ends the faults: all nodes run and are right about the time. */
  settle(): void {
    this.#isOver = true;
    this.#faults?.stop();
    this.#wallOffset.clear();
    for (const host of this.#world.hosts) if (!host.running) this.start(host);
  }

  start(host: Host): void {
    const { name } = host;
    const disk = this.#disks.get(name) ?? memoryDisk();
    this.#disks.set(name, disk);
    host.start(async (system) => {
      const cluster = createCluster<NonNullable<CoordinatedCluster['replicator']>>({
        nodeId: name,
        bind: { host: host.address, port: PORT },
        seedNodes: this.#world.hosts.map(({ address }) => ({ host: address, port: PORT })),
        transport: memoryTransport({ network: this.#network }),
        storage: memoryStorage({ disk }),
        logLevel: 'silent',
        system: { ...system, clock: this.#skewed(name, system) },
        election: raftElection({ voters: NAMES, maxClockDrift: MAX_DRIFT }),
        replicator: raftReplicator({
          voters: NAMES,
          maxClockDrift: MAX_DRIFT,
          machine: () => this.#parts.coordinationMachine(),
          snapshots: SMALL_SNAPSHOTS,
        }),
      });
      this.#clusters.set(name, cluster);
      await cluster.start();
      this.#run(cluster, name);
    });
  }

  /** What is kept of the task, by a node that leads. */
  async kept(): Promise<SlotRecord | undefined> {
    const leader = this.leader();
    return await leader?.replicator.read(TASK, { consistency: 'linearizable' }).catch(() => undefined);
  }

  leader(): CoordinatedCluster | undefined {
    const running = this.#world.hosts.filter(({ running }) => running);
    return running.map(({ name }) => this.#clusters.get(name)).find((cluster) => cluster?.isLeader === true);
  }

  #run(cluster: CoordinatedCluster, name: string): void {
    const work = (run: SingletonRun): Promise<void> => this.#work(cluster.system, name, run);
    const task = this.#parts.singletonTask(cluster, TASK, work, {
      schedule: { everyMs: STEP_MS },
      claims: this.#harmedClaims(cluster, name),
      onInterrupted: this.onInterrupted,
      catchUp: 'all',
      maxCatchUp: 1000,
      stopWithinMs: 100,
      restart: { baseMs: 20, maxMs: 100, maxAttempts: 5 },
      ...(this.onInterrupted === 'rerun' ? { maxStarts: 1000 } : {}),
    });
    this.#judge(task, name);
  }

  /** The claims; now and then the process stands still before it has read the answer. */
  #harmedClaims(cluster: CoordinatedCluster, name: string): SlotClaims {
    const claims = this.#parts.slotClaims(cluster.replicator);
    const host = this.#world.hosts.find((each) => each.name === name) as Host;
    return {
      open: (...given) => claims.open(...given),
      claim: async (...given) => {
        const isClaimed = await claims.claim(...given);
        if (!this.#isOver && this.#world.chance(STALL_AT_CLAIM)) {
          this.#world.after(0, () => host.stall(this.#world.random.int(3000)));
          await sleep(cluster.system.clock, 1);
        }
        return isClaimed;
      },
      reclaim: (...given) => claims.reclaim(...given),
      settle: (...given) => claims.settle(...given),
      forget: (...given) => claims.forget(...given),
    };
  }

  #judge(task: SingletonTask, name: string): void {
    task.on('skipped', ({ reason }) => {
      if (reason === 'missed' || this.onInterrupted === 'rerun') this.#guarded(() => this.rules.onSkip(name, reason));
    });
    task.on('failed', ({ slot, retryInMs }) => {
      if (retryInMs === undefined) this.rules.onEnd({ slot });
    });
  }

  /** What is done at a slot: some steps, each after a look at the grant. */
  async #work({ clock, random }: System, name: string, run: SingletonRun): Promise<void> {
    this.#guarded(() => this.rules.onBegin(name, run));
    const steps = 1 + random.int(3);
    // Long work is more than there is time for: it is made up for in peace.
    const longestMs = this.#isOver ? PEACEFUL_MS : this.#longestMs;
    for (let step = 0; step < steps; step += 1) {
      await sleep(clock, (random.next() * longestMs) / steps, { signal: run.signal });
      this.#guarded(() => this.rules.onAct(name, run));
    }
    if (random.next() < this.#failing) throw new Error('the work failed');
    this.rules.onEnd(run);
  }

  /** What breaks a rule ends the life, though the task would take it for a failure of the work. */
  #guarded(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#world.after(0, () => {
        throw error;
      });
    }
  }

  /** Clocks that are set, and leaders that resign. */
  #disturb(): void {
    this.#world.after(this.#world.random.int(3000), () => {
      if (this.#isOver) return;
      const { name } = this.#world.hosts[this.#world.random.int(NAMES.length)] as Host;
      if (this.#world.chance(0.5)) {
        const offset = Math.round((this.#world.random.next() * 2 - 1) * MAX_WALL_OFFSET_MS);
        this.#wallOffset.set(name, offset);
        this.#world.note(`the wall clock of ${name} is wrong by ${offset} ms`);
      } else {
        void this.leader()
          ?.election.resign()
          .catch(() => undefined);
      }
      this.#disturb();
    });
  }

  #skewed(name: string, { clock }: System): System['clock'] {
    return {
      now: () => clock.now(),
      wallTime: () => clock.wallTime() + (this.#wallOffset.get(name) ?? 0),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
      defer: (callback) => clock.defer(callback),
    };
  }
}
