// Starts a program of this repository by the Node.js of its toolchain, once all is installed:
// node tools/start.mjs apps/demo/src/demo/main.ts [arguments]. It ends with the program's exit code. Who ends npm
// ends the program, and paths are those of where npm was called.
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const [program = '', ...args] = process.argv.slice(2);

const { npm_execpath: npm = 'npm', INIT_CWD: calledFrom = process.cwd() } = process.env;
const setup = ['run', '--silent', 'setup'];
// npm's own is a script; another package manager may be a program.
const isScript = /\.[cm]?js$/u.test(npm);
const [command, given] = isScript ? [process.execPath, [npm, ...setup]] : [npm, setup];
// What the program prints may be read by another one.
const { status: installed } = spawnSync(command, given, { cwd: root, stdio: ['inherit', process.stderr, 'inherit'] });
if (installed !== 0) process.exit(installed ?? 1);

const node = path.join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
const child = spawn(node, ['--conditions=@quorate/source', path.join(root, program), ...args], {
  cwd: calledFrom,
  stdio: 'inherit',
});
// A SIGTERM of npm's may end the shell between the two, which passes nothing on.
const end = () => {
  clearInterval(watch);
  child.kill('SIGTERM');
};
const parent = process.ppid;
const watch = setInterval(() => process.ppid !== parent && end(), 250);
process.on('SIGTERM', end);
// A Ctrl-C reaches the program by itself, and this process waits for its end.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
child.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
child.on('close', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
