import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';

import { consulElection } from '../../src/index.ts';
import { contextOf, timings } from './scene.ts';

// A process that stands for election, looks at its grant all the time, and says when it begins and is seen to be over, with
// the time of a clock that all processes of the machine share. `block <ms>` on its input stops its event loop.
const [address = '', key = ''] = process.argv.slice(2);
const engine = consulEngine({ address });
const election = consulElection({ engine, key, ...timings }).create(contextOf('process', 1, nodeSystem()));
await election.start();

const say = (word: string): void => console.log(`${word} ${process.hrtime.bigint()}`);
const grant = await election.campaign();
say('granted');
let lastValid = process.hrtime.bigint();
const looking = setInterval(() => {
  if (grant.isValid()) {
    lastValid = process.hrtime.bigint();
    return;
  }
  clearInterval(looking);
  console.log(`valid ${lastValid}`);
  say('over');
}, 2);
process.stdin.on('data', (data) => {
  const ms = Number(/^block (\d+)/u.exec(String(data))?.[1] ?? 0);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
});
