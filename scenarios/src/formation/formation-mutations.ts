import { importMutant, type Mutation } from '../mutants.ts';
import type { Ground } from './formation-character.ts';
import type { FormationParts } from './formation-life.ts';

export type FormationMutation = Mutation & {
  /** In lives of this kind. */
  readonly ground: Ground;
  /** Where the search for a life that shows it begins. */
  readonly seed: number;
};

/** The rules by which a cluster is formed, broken one at a time. */
export const formationMutations: readonly FormationMutation[] = [
  {
    name: 'nobody waits for the margin',
    file: 'cluster-formation.ts',
    find: 'if (this.#since === undefined || this.#lookedAt - this.#since < marginMs) {',
    replace: 'if (this.#since === undefined || this.#lookedAt < this.#since - 2 * marginMs) {',
    ground: 'honest source',
    seed: 1,
  },
  {
    name: 'nodes that do not answer are no reason to wait',
    file: 'surroundings.ts',
    find: "doubts.push(`${nameOf(each)} doesn't answer`);",
    replace: 'nameOf(each);',
    ground: 'honest source',
    seed: 2,
  },
  {
    name: 'a majority of those who are seen is enough',
    file: 'proposer.ts',
    find: 'if (failed.length > 0) return missed(',
    replace: 'if (failed.length >= nodes.length / 2) return missed(',
    ground: 'more than half',
    seed: 1,
  },
  {
    name: 'what was promised is not stored',
    file: 'acceptor.ts',
    find: 'await this.#records?.write(RECORD,',
    replace: 'await Promise.resolve(RECORD); new Uint8Array(',
    ground: 'more than half',
    seed: 4,
  },
  {
    name: 'what was accepted before is not taken over',
    file: 'proposer.ts',
    find: 'const begun = latest?.charter;',
    replace: 'const begun = undefined as Charter | undefined;',
    ground: 'more than half',
    seed: 1,
  },
  {
    name: 'what the source answers to a claim is ignored',
    file: 'cluster-formation.ts',
    find: "if (claimed !== undefined) this.#keep(claimed, 'the discovery');",
    replace: "if (claimed !== undefined) this.#keep({ clusterId, founders: seen.nodes.slice(0, expectedNodes) }, '');",
    ground: 'claim',
    seed: 2,
  },
  {
    name: 'who may not form a cluster does',
    file: 'cluster-formation.ts',
    find: 'this.#settings = settings;',
    replace: 'this.#settings = { ...settings, mayForm: true };',
    ground: 'honest source',
    seed: 1,
  },
];

/** The package with this rule broken. */
export function brokenFormation(mutation: FormationMutation): Promise<FormationParts> {
  return importMutant<FormationParts>('formation', mutation);
}
