import { type Composition, optionsOf, prepare } from './composition.ts';
import type { Place } from './place.ts';
import { nodeOf, type Stage } from './stage.ts';

/**
 * What any composition promises: nodes that know each other from their discovery alone meet, follow one leader, replicate
 * where they do; one that stops is followed by another with a greater token, and finds all again when it is back.
 * @throws Error that says what was waited for in vain
 */
export async function keepsItsPromises(
  composition: Composition,
  stage: Stage & { readonly place: Place },
): Promise<void> {
  await prepare(composition, stage.place);
  const run = new CompositionRun(composition, stage);
  await run.starts(stage.ids);
  const first = await run.agreed();
  await run.counts();
  await stage.stop(first.nodeId);
  const second = await run.agreed();
  if (second.token <= first.token) throw new Error(`token ${second.token} came after ${first.token}`);
  await run.counts();
  await run.starts([first.nodeId]);
  const last = await run.agreed();
  // On a machine that is busy with other things a grant may lapse by itself; who came back is not to take it.
  if (last.token !== second.token && last.nodeId === first.nodeId) {
    throw new Error(`${second.nodeId} was deposed by who came back`);
  }
  await run.counts();
}

class CompositionRun {
  readonly #composition: Composition;
  readonly #stage: Stage & { readonly place: Place };
  /** What the tally must be. */
  #total = 0;

  constructor(composition: Composition, stage: Stage & { readonly place: Place }) {
    this.#composition = composition;
    this.#stage = stage;
  }

  /** These start, and then all are there. */
  async starts(ids: readonly string[]): Promise<void> {
    const stage = this.#stage;
    for (const id of ids) stage.start(id, optionsOf(this.#composition, stage.place));
    const isRunning = () => stage.clusters.filter(({ status }) => status === 'running').length === stage.ids.length;
    await stage.until('the nodes to run', isRunning);
    const isAlive = ({ state }: { readonly state: string }) => state === 'alive';
    const all = stage.ids.length;
    await stage.until('the nodes to meet', () =>
      stage.clusters.every(({ nodes }) => nodes.filter(isAlive).length === all),
    );
  }

  /** The leader that all know, and that has a grant. */
  async agreed(): Promise<{ readonly nodeId: string; readonly token: bigint }> {
    const find = () => {
      const { clusters } = this.#stage;
      const holder = clusters.find(({ isLeader }) => isLeader)?.leadership;
      const isKnown = clusters.every(({ leader }) => leader !== undefined && leader.token === holder?.token);
      return isKnown ? holder : undefined;
    };
    await this.#stage.until('a leader that all follow', () => find() !== undefined);
    const { nodeId = '', token = 0n } = find() ?? {};
    return { nodeId, token };
  }

  /** Counts once at each node, and reads the sum at each. */
  async counts(): Promise<void> {
    if (this.#composition.replicator.name === 'none') return;
    const { clusters } = this.#stage;
    for (const { self } of clusters) {
      this.#total += 1;
      const { replicator } = nodeOf(this.#stage, self.id);
      await this.#stage.settled(replicator.replicate(1));
    }
    for (const { self, replicator } of clusters) {
      const read = await this.#stage.settled(replicator.read(undefined, { consistency: 'linearizable' }));
      if (read !== this.#total) throw new Error(`${self.id} reads ${read}, not ${this.#total}`);
    }
  }
}
