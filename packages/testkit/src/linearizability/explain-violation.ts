import { show } from '../expectations.ts';
import type { LinearizabilityViolation } from './check-linearizable.ts';
import type { Operation } from './model.ts';

/** How much of the order that went well is told. */
const TOLD_OPERATIONS = 10;

/** A violation in a text of some lines, for people. */
export function explainViolation<S, I, O>(violation: LinearizabilityViolation<S, I, O>): string {
  const { prefix, state, unplaced, concurrent, partition } = violation;
  const left = prefix.length - TOLD_OPERATIONS;
  return [
    `not linearizable${partition === '' ? '' : `: ${partition}`}`,
    'the longest order that explains a part of it:',
    ...(left > 0 ? [`  ${left} more`] : []),
    ...prefix.slice(-TOLD_OPERATIONS).map((operation) => `  ${describe(operation)}`),
    `leads to the state ${show(state)}, where this can be placed no more:`,
    `  ${describe(unplaced)}`,
    ...(concurrent.length > 0 ? ['while there were:'] : []),
    ...concurrent.map((operation) => `  ${describe(operation)}`),
  ].join('\n');
}

function describe({ client, input, output, calledAt, returnedAt }: Operation<unknown, unknown>): string {
  const result = output === 'unknown' ? 'unknown' : show(output.value);
  const until = output === 'unknown' ? '' : String(returnedAt);
  return `${client}: ${show(input)} -> ${result} [${calledAt}, ${until}]`;
}
