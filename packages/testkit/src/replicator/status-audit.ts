import type { NodeId, ReplicationStatus } from '@quorate/core';

import { expectEqual, expectThat } from '../expectations.ts';
import type { ReplicatorFixture } from './replicator-fixture.ts';

/** Sees to it that what replicas say of themselves fits together. */
export class StatusAudit {
  readonly #fixture: ReplicatorFixture;
  readonly #leaders = new Map<bigint, NodeId>();
  /** By node and run. */
  readonly #last = new Map<string, ReplicationStatus>();

  constructor(fixture: ReplicatorFixture) {
    this.#fixture = fixture;
  }

  /** Of how many terms a leader was seen. */
  get leaders(): number {
    return this.#leaders.size;
  }

  /** @throws ExpectationError */
  check(): void {
    for (const { id, incarnation } of this.#fixture.cluster.live) {
      const status = this.#fixture.status(id);
      if (status !== undefined) this.#checkOne(id, `${id} in run ${incarnation}`, status);
    }
  }

  #checkOne(id: NodeId, run: string, status: ReplicationStatus): void {
    const { role, term, commitIndex, appliedIndex } = status;
    if (role === 'leader') {
      const known = this.#leaders.get(term) ?? id;
      expectEqual(id, known, `the leader of term ${term}`);
      this.#leaders.set(term, id);
    }
    const last = this.#last.get(run) ?? status;
    expectThat(term >= last.term, `the term of ${run} does not fall from ${last.term} to ${term}`);
    expectThat(commitIndex >= last.commitIndex, `the commit index of ${run} does not fall`);
    expectThat(appliedIndex >= last.appliedIndex, `the applied index of ${run} does not fall`);
    expectThat(appliedIndex <= commitIndex, `${run} has applied nothing that is not committed`);
    this.#last.set(run, status);
  }
}
