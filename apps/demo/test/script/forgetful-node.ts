// A node whose copy of the broker forgets: of each hundred publications it takes one as if it had nothing in it, and tells
// that all of it was accepted.
import { BrokerMachine } from '../../src/broker/broker-machine.ts';
import type { Result } from '../../src/broker/commands.ts';

const apply: BrokerMachine['apply'] = Reflect.get(BrokerMachine.prototype, 'apply');
let sequence = 1_000_000_000;

BrokerMachine.prototype.apply = function (batch) {
  const forgotten = new Map<number, Result>();
  const kept = batch.filter(({ command }, index) => {
    if (command.type !== 'publish' || command.messages[0]?.id.endsWith('7') !== true) return true;
    const messages = command.messages.map(({ id }) => ({ id, sequence: (sequence += 1), duplicate: false }));
    forgotten.set(index, { type: 'published', messages });
    return false;
  });
  const results = [...apply.call(this, kept)];
  return batch.map((_, index) => forgotten.get(index) ?? results.shift()!);
};

await import('../../src/node/node-main.ts');
