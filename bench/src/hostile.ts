import { type ChildProcess, fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { Transport } from '@quorate/core';
import { type Benchmark, median, report, rounded } from './benchmark.ts';
import { closedLoop } from './closed-loop.ts';
import type { VictimStatus } from './hostile-victim.ts';
import { startMember, startTransport } from './quorate-node.ts';
import { kinds, SECRET } from './transport-kinds.ts';

export const hostile: Benchmark = {
  name: 'hostile',
  description:
    'round trips of an honest pair while one is flooded, and its memory: [--seconds 2] [--rounds 3] [--attacks LIST]',
  run,
};

const ATTACKS = ['connections', 'hellos', 'frames', 'pings', 'readers', 'junk', 'sealed'];
/** Of these the victim is a node that gossips, with a secret: without one, a stranger's datagrams are those of a peer. */
const ON_DATAGRAMS: ReadonlySet<string> = new Set(['junk', 'sealed']);
const IN_FLIGHT = 64;
const PAYLOAD = new Uint8Array(128).fill(7);
/** What honest peers are promised while others make trouble. */
const PROMISED_RATIO = 0.5;

interface Measured {
  readonly perSecond: number;
  readonly p99: number;
}

async function run(args: readonly string[]): Promise<void> {
  const options = { seconds: { type: 'string' }, rounds: { type: 'string' }, attacks: { type: 'string' } } as const;
  const { seconds = '2', rounds = '3', attacks } = parseArgs({ args: [...args], options }).values;
  for (const attack of attacks?.split(',') ?? ATTACKS) await measure(attack, Number(seconds), Number(rounds));
}

/** Peace and trouble take turns, so that what else the machine does hits both. */
async function measure(attack: string, seconds: number, rounds: number): Promise<void> {
  const isMember = ON_DATAGRAMS.has(attack);
  const victim = await started(new URL('hostile-victim.ts', import.meta.url), isMember ? ['member'] : []);
  await using honest = await honestPeer(victim.said as number, isMember);
  const { transport } = honest;
  const trips = (): Promise<Measured> =>
    closedLoop(() => transport.request('peer', kinds.ECHO, PAYLOAD, { timeoutMs: 30_000 }), IN_FLIGHT, seconds);
  await trips();
  const [peace, trouble]: [Measured[], Measured[]] = [[], []];
  const heaps: number[] = [];
  let inputs = 0;
  for (let round = 0; round < rounds; round += 1) {
    peace.push(await trips());
    const attacker = await started(new URL('hostile-attacks.ts', import.meta.url), [attack, String(victim.said)]);
    trouble.push(await trips());
    inputs += (await asked(attacker.child)) as number;
    attacker.child.disconnect();
    heaps.push(mebibytes(await statusOf(victim.child)));
  }
  tell(attack, {
    peace,
    trouble,
    heaps,
    inputs,
    seconds: seconds * rounds,
    lines: (await statusOf(victim.child)).lines,
  });
  victim.child.disconnect();
}

/** Connected with the victim. */
async function honestPeer(
  port: number,
  isMember: boolean,
): Promise<AsyncDisposable & { readonly transport: Transport }> {
  const owned = new AsyncDisposableStack();
  const transport = isMember
    ? owned.use(await startMember('bench', SECRET, { seedNodes: [`127.0.0.1:${port}`] })).transport
    : owned.use(await startTransport('bench'));
  const connected = transport.watch();
  if (!isMember) transport.addContact({ host: '127.0.0.1', port });
  const isConnected = () => transport.peers.some(({ state }) => state === 'connected');
  if (!isConnected()) for await (const { type } of connected) if (type === 'connected') break;
  return { transport, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function tell(
  attack: string,
  found: {
    readonly peace: readonly Measured[];
    readonly trouble: readonly Measured[];
    readonly heaps: readonly number[];
    readonly inputs: number;
    readonly seconds: number;
    readonly lines: number;
  },
): void {
  const [peace, trouble] = [perSecond(found.peace), perSecond(found.trouble)];
  report({
    benchmark: 'hostile',
    attack,
    inputs_per_second: rounded(found.inputs / found.seconds),
    peace_per_second: rounded(peace),
    per_second: rounded(trouble),
    p99_ms: rounded(median(found.trouble.map(({ p99 }) => p99))),
    ratio: rounded(trouble / peace),
    mib_first: rounded(found.heaps[0] ?? 0),
    mib_last: rounded(found.heaps.at(-1) ?? 0),
    lines: found.lines,
  });
  if (trouble < PROMISED_RATIO * peace) console.error(`${attack}: honest peers have less than half of what they had`);
}

function perSecond(measured: readonly Measured[]): number {
  return median(measured.map((each) => each.perSecond));
}

function mebibytes({ heapBytes, externalBytes }: VictimStatus): number {
  return (heapBytes + externalBytes) / 2 ** 20;
}

async function statusOf(child: ChildProcess): Promise<VictimStatus> {
  return (await asked(child)) as VictimStatus;
}

function asked(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    child.once('message', resolve);
    child.send('status');
  });
}

function started(
  program: URL,
  args: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly said: unknown }> {
  const execArgv = [...process.execArgv, '--expose-gc'];
  const child = fork(program, args, { execArgv });
  return new Promise((resolve, reject) => {
    child.once('message', (said) => resolve({ child, said }));
    child.once('exit', (code) => reject(new Error(`${program.pathname} ended with code ${code}`)));
  });
}
