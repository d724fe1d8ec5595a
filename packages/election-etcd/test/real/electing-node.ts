// A node that stands for election, and tells every grant that it takes for valid: ENDPOINT NAME ID
// On stdin: `block MS` keeps its event loop busy for as long, `resign` gives up what it has.
import { createInterface } from 'node:readline';

import { etcdEngine } from '@quorate/engine-etcd';

import { alwaysStanding, electing, system } from './electing.ts';

const [endpoint = '', name = '', id = ''] = process.argv.slice(2);
const election = await electing(id, { engine: etcdEngine({ endpoints: [endpoint] }), name });
let standing = new AbortController();
alwaysStanding(election, standing.signal);

/** On a clock that all processes of a machine share; read first, since the process may be stopped between two lines. */
function look(): void {
  const at = process.hrtime.bigint();
  const { leadership } = election;
  const isValid = leadership?.isValid() === true;
  console.log(`${isValid ? `valid ${leadership.token}` : 'invalid 0'} ${at}`);
}

function block(ms: number): void {
  const end = system.clock.now() + ms;
  while (system.clock.now() < end) continue;
  // Before anything else of this process has run.
  look();
}

setInterval(look, 2);
createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, ms] = line.split(' ');
  if (command === 'block') block(Number(ms));
  if (command !== 'resign') return;
  standing.abort();
  standing = new AbortController();
  void election.resign();
});
