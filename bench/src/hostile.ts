import { type ChildProcess, fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { silentLogger, type Transport } from '@quorate/core';
import { type Benchmark, median, report, rounded } from './benchmark.ts';
import { closedLoop } from './closed-loop.ts';
import type { VictimStatus } from './hostile-victim.ts';
import { OverheardSystem, overheardHello } from './overheard.ts';
import { startMember, startTransport } from './quorate-node.ts';
import { kinds, SECRET } from './transport-kinds.ts';

export const hostile: Benchmark = {
  name: 'hostile',
  description:
    'round trips of an honest pair while one is flooded, and its memory: [--seconds 2] [--rounds 3] [--priority low|normal] ' +
    '[--attacks LIST]',
  run,
};

const ATTACKS = ['connections', 'hellos', 'handshakes', 'frames', 'pings', 'readers', 'junk', 'sealed', 'copied'];
/** What the victim is: without more, a transport without a secret, where whoever connects gets as far as it can. */
const VICTIMS: Readonly<Record<string, VictimKind>> = {
  handshakes: 'secret',
  // A node that gossips, with a secret: without one, a stranger's datagrams are those of a peer.
  junk: 'member',
  sealed: 'member',
  copied: 'member',
};
const IN_FLIGHT = 64;
const PAYLOAD = new Uint8Array(128).fill(7);
/** What honest peers are promised while others make trouble. */
const PROMISED_RATIO = 0.5;

/** Of datagrams, a second: far more than honest nodes send each other. */
const MIN_ARRIVING = 1000;

interface Cost {
  /** The victim's. */
  readonly cpuMs: number;
  /** Of datagrams, those that it has read. */
  readonly inputs: number;
}

type VictimKind = 'plain' | 'secret' | 'member';

interface Measured {
  readonly perSecond: number;
  readonly p99: number;
}

interface Settings {
  readonly seconds: number;
  readonly rounds: number;
  /** Of the attacker, for the operating system. */
  readonly priority: string;
}

const options = {
  seconds: { type: 'string', default: '2' },
  rounds: { type: 'string', default: '3' },
  priority: { type: 'string', default: 'low' },
  attacks: { type: 'string', default: ATTACKS.join(',') },
} as const;

async function run(args: readonly string[]): Promise<void> {
  const { seconds, rounds, priority, attacks } = parseArgs({ args: [...args], options }).values;
  if (priority !== 'low' && priority !== 'normal') throw new Error(`--priority must be low or normal, got ${priority}`);
  const settings = { seconds: Number(seconds), rounds: Number(rounds), priority };
  for (const attack of attacks.split(',')) await measure(attack, settings);
}

/** Peace and trouble take turns, so that what else the machine does hits both. */
async function measure(attack: string, { seconds, rounds, priority }: Settings): Promise<void> {
  const kind = VICTIMS[attack] ?? 'plain';
  const victim = await started(new URL('hostile-victim.ts', import.meta.url), [kind]);
  const port = victim.said as number;
  await using honest = await honestPeer(port, kind);
  const { transport } = honest;
  const trips = (): Promise<Measured> =>
    closedLoop(() => transport.request('peer', kinds.ECHO, PAYLOAD, { timeoutMs: 30_000 }), IN_FLIGHT, seconds);
  await trips();
  const [peace, trouble]: [Measured[], Measured[]] = [[], []];
  const heaps: number[] = [];
  let inputs = 0;
  const attacker = async (): Promise<ChildProcess> => {
    const seen = Buffer.from(await honest.overheard()).toString('hex');
    const given = [attack, String(port), seen, priority];
    return (await started(new URL('hostile-attacks.ts', import.meta.url), given)).child;
  };
  for (let round = 0; round < rounds; round += 1) {
    peace.push(await trips());
    const child = await attacker();
    trouble.push(await trips());
    inputs += (await asked(child)) as number;
    child.disconnect();
    heaps.push(mebibytes(await statusOf(victim.child)));
  }
  const { lines, datagrams } = await statusOf(victim.child);
  if (kind === 'member' && datagrams < rounds * seconds * MIN_ARRIVING)
    throw new Error(`${attack}: it does not arrive`);
  const arrived = kind === 'member' ? datagrams : undefined;
  const alone = await costOf(await attacker(), victim.child, seconds);
  tell(attack, { peace, trouble, heaps, inputs, arrived, seconds: seconds * rounds, lines, priority, alone });
  victim.child.disconnect();
}

/** What trouble alone takes, while nobody else asks for anything: it hardly depends on what else the machine does. */
async function costOf(attacker: ChildProcess, victim: ChildProcess, seconds: number): Promise<Cost> {
  const [before, made] = [await statusOf(victim), (await asked(attacker)) as number];
  await new Promise((resolve) => void setTimeout(resolve, seconds * 1000));
  const [after, all] = [await statusOf(victim), (await asked(attacker)) as number];
  attacker.disconnect();
  const read = after.datagrams - before.datagrams;
  return { cpuMs: after.cpuMs - before.cpuMs, inputs: read > 0 ? read : all - made };
}

interface HonestPeer extends AsyncDisposable {
  readonly transport: Transport;
  /** What somebody on the way to the victim sees of it: the beginning of a connection, or a datagram; empty without a secret. */
  readonly overheard: () => Promise<Uint8Array>;
}

/** Connected with the victim. */
async function honestPeer(port: number, kind: VictimKind): Promise<HonestPeer> {
  const owned = new AsyncDisposableStack();
  const machine = new OverheardSystem();
  const seedNodes = [`127.0.0.1:${port}`];
  const transport =
    kind === 'member'
      ? owned.use(await startMember('bench', SECRET, { seedNodes, system: machine.system })).transport
      : owned.use(await startTransport('bench', silentLogger, kind === 'secret' ? SECRET : undefined));
  const connected = transport.watch();
  if (kind !== 'member') transport.addContact({ host: '127.0.0.1', port });
  const isConnected = () => transport.peers.some(({ state }) => state === 'connected');
  if (!isConnected()) for await (const { type } of connected) if (type === 'connected') break;
  const overheard = async (): Promise<Uint8Array> => {
    if (kind === 'secret') return await overheardHello(SECRET);
    return (kind === 'member' ? machine.latest(port) : undefined) ?? new Uint8Array();
  };
  return { transport, overheard, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function tell(
  attack: string,
  found: {
    readonly peace: readonly Measured[];
    readonly trouble: readonly Measured[];
    readonly heaps: readonly number[];
    readonly inputs: number;
    /** Of datagrams, those that the victim has read. */
    readonly arrived: number | undefined;
    readonly seconds: number;
    readonly lines: number;
    readonly priority: string;
    readonly alone: Cost;
  },
): void {
  const [peace, trouble] = [perSecond(found.peace), perSecond(found.trouble)];
  report({
    benchmark: 'hostile',
    attack,
    attacker_priority: found.priority,
    inputs_per_second: rounded(found.inputs / found.seconds),
    ...(found.arrived !== undefined && { arrived_per_second: rounded(found.arrived / found.seconds) }),
    peace_per_second: rounded(peace),
    per_second: rounded(trouble),
    p99_ms: rounded(median(found.trouble.map(({ p99 }) => p99))),
    ratio: rounded(trouble / peace),
    mib_first: rounded(found.heaps[0] ?? 0),
    mib_last: rounded(found.heaps.at(-1) ?? 0),
    lines: found.lines,
    cpu_us_per_input: rounded((found.alone.cpuMs * 1000) / found.alone.inputs),
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
