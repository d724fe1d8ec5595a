// Starts a server that is a process that does nothing, tells its id, and waits to be killed.
import { existsSync } from 'node:fs';

import { ServerProcess } from '../src/server-process.ts';

const [pidFile = ''] = process.argv.slice(2);
const program = process.execPath;
const script = `require('node:fs').writeFileSync('${pidFile}', String(process.pid)); setInterval(() => {}, 1000)`;
await ServerProcess.start({
  name: 'idle',
  program,
  args: ['-e', script],
  isReady: () => Promise.resolve(existsSync(pidFile)),
});
console.log('started');
setInterval(() => undefined, 1_000);
