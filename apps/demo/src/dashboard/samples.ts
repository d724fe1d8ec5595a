import type { Sample } from './dashboard-events.ts';
import type { DashboardState } from './dashboard-state.ts';

/** Two minutes: one a second. */
const KEPT = 120;

/** The last two minutes, so that who opens the page sees them at once. */
export class Samples {
  readonly #kept: Sample[] = [];
  /** What each node said last of its requests; undefined of a node that did not answer. */
  #before = new Map<string, Requests>();

  get all(): readonly Sample[] {
    return this.#kept;
  }

  take(state: DashboardState, at: number): Sample {
    const counted = this.#countRequests(state);
    const traffic = state.traffic;
    const sample: Sample =
      traffic === undefined
        ? { at, ...counted, p50Ms: undefined, p99Ms: undefined }
        : {
            at,
            published: traffic.published,
            acknowledged: traffic.acknowledged,
            failed: traffic.failed,
            p50Ms: traffic.p50Ms,
            p99Ms: traffic.p99Ms,
          };
    this.#kept.push(sample);
    if (this.#kept.length > KEPT) this.#kept.shift();
    return sample;
  }

  /** Where no traffic generator counts, the nodes' own counts do: what they grew by, since processes begin at zero. */
  #countRequests(state: DashboardState): Requests {
    const now = new Map<string, Requests>();
    const sum = { published: 0, acknowledged: 0, failed: 0 };
    for (const { id, status } of state.nodes) {
      if (status === undefined) continue;
      now.set(id, status.requests);
      const before = this.#before.get(id) ?? status.requests;
      for (const name of ['published', 'acknowledged', 'failed'] as const) {
        const grown = status.requests[name] - before[name];
        sum[name] += grown >= 0 ? grown : status.requests[name];
      }
    }
    this.#before = now;
    return sum;
  }
}

interface Requests {
  readonly published: number;
  readonly acknowledged: number;
  readonly failed: number;
}
