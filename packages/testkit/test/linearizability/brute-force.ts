import type { Operation, SequentialModel } from '../../src/index.ts';

/**
 * The definition, word for word: some order of all completed and of some unknown operations, in which none comes before
 * one that had returned when it was called. Tries all of them.
 */
export function isLinearizable<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  state: S = model.init(),
): boolean {
  const completed = history.filter(({ output }) => output !== 'unknown');
  if (completed.length === 0) return true;
  return history.some((next) => {
    if (completed.some((other) => other.returnedAt < next.calledAt)) return false;
    const step = model.step(state, next.input, next.output);
    const rest = history.filter((other) => other !== next);
    return step.ok && isLinearizable(model, rest, step.state);
  });
}
