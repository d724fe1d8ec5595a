import { checkLinearizable, explainViolation } from '@quorate/testkit';
import { type Fate, keyedModel, type OperationLog } from './operation-log.ts';

/** What is wrong with a run; nothing, if it is as it should be. */
export function findFaults(log: OperationLog, journals: ReadonlyMap<string, readonly string[]>): readonly string[] {
  return [...checkHistory(log), ...checkReplicas(journals), ...checkFates(log.fates, [...journals.values()][0] ?? [])];
}

function checkHistory({ history }: OperationLog): readonly string[] {
  const result = checkLinearizable(keyedModel, history);
  if (result.verdict === 'linearizable') return [];
  if (result.verdict === 'not-linearizable') return [explainViolation(result)];
  return [`whether it is linearizable could not be decided: ${result.partitions.join(', ')}`];
}

/** Every replica has done the same in the same order. */
function checkReplicas(journals: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const [[first, expected] = ['', []], ...others] = journals;
  return others.flatMap(([id, journal]) => {
    const length = Math.max(expected.length, journal.length);
    const at = Array.from({ length }, (_, place) => place).find((place) => expected[place] !== journal[place]);
    return at === undefined
      ? []
      : [`replica ${id} differs from ${first} at ${at}: ${journal[at]}, not ${expected[at]}`];
  });
}

/** What was acknowledged took effect once; what was denied did not; and nothing did twice. */
function checkFates(fates: ReadonlyMap<string, Fate>, journal: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const op of journal) counts.set(op, (counts.get(op) ?? 0) + 1);
  const stray = [...counts.keys()].filter((op) => !fates.has(op)).map((op) => `nobody asked for ${op}`);
  const wrong = [...fates].flatMap(([op, { client, outcome }]) => {
    const count = counts.get(op) ?? 0;
    const right = outcome === 'ok' ? count === 1 : outcome === 'not-applied' ? count === 0 : count <= 1;
    return right ? [] : [`${op}, of which ${client} was told ${outcome}, took effect ${count} times`];
  });
  return [...stray, ...wrong];
}
