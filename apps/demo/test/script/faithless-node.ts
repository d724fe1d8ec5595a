// A node whose copy of the broker breaks what it has promised, now and then: it takes publications as if they had nothing in
// them, puts one message of a key behind the next, and hands out again what was acknowledged. It tells clients each time that
// all is well.
import { BrokerMachine } from '../../src/broker/broker-machine.ts';
import type { Command, Result } from '../../src/broker/commands.ts';

type Run = (command: Command) => Result;
type Publication = Extract<Command, { type: 'publish' }>;
type Acknowledgement = Extract<Command, { type: 'acknowledge' }>;

/** Of so many acknowledgements one is forgotten. */
const FORGOTTEN = 10;
/** Later than its client is told that it was done. */
const AGAIN_MS = 200;

const apply: BrokerMachine['apply'] = Reflect.get(BrokerMachine.prototype, 'apply');
/** What it says of the place of what it didn't take. */
let sequence = 0;
let acknowledged = 0;
let heldBack: Publication | undefined;

BrokerMachine.prototype.apply = function (batch) {
  return batch.map((committed) => {
    const run: Run = (command) => apply.call(this, [{ ...committed, command }])[0]!;
    return broken(committed.command, run);
  });
};

function broken(command: Command, run: Run): Result {
  if (command.type === 'acknowledge' && command.queue === 'orders') return forgetting(command, run);
  if (command.type !== 'publish') return run(command);
  if (command.queue === 'reminders' && isOf(command, /7-0$/u)) return taken(command);
  return command.queue === 'invoices' ? reordering(command, run) : run(command);
}

/** One publication is put behind the next one. */
function reordering(command: Publication, run: Run): Result {
  if (heldBack === undefined && isOf(command, /3$/u)) {
    heldBack = command;
    return taken(command);
  }
  const result = run(command);
  if (heldBack !== undefined) run(heldBack);
  heldBack = undefined;
  return result;
}

function forgetting({ queue, receipts }: Acknowledgement, run: Run): Result {
  const settled = receipts.map((receipt) => {
    acknowledged += 1;
    const isForgotten = acknowledged % FORGOTTEN === 0 && receipt.endsWith('.1');
    const result = isForgotten
      ? run({ type: 'reject', queue, receipts: [receipt], delayMs: AGAIN_MS })
      : run({ type: 'acknowledge', queue, receipts: [receipt] });
    return result.type === 'settled' && result.settled[0] === 'done' ? 'done' : 'unknown-receipt';
  });
  return { type: 'settled', settled };
}

/** As if it were. */
function taken({ messages }: Publication): Result {
  const published = messages.map(({ id }) => ({ id, sequence: (sequence += 1), duplicate: false }));
  return { type: 'published', messages: published };
}

function isOf({ messages }: Publication, pattern: RegExp): boolean {
  return pattern.test(messages[0]?.id ?? '');
}

await import('../../src/node/node-main.ts');
