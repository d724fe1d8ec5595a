import { BrokerMachine } from '../../apps/demo/src/broker/broker-machine.ts';
import { type Command, DEFAULT_QUEUE_OPTIONS, type Result } from '../../apps/demo/src/broker/commands.ts';
import { median, report, rounded } from './benchmark.ts';
import { BODY_BYTES, QUEUE } from './broker-client.ts';

const BATCH = 10;
const CAPTURES = 9;

/** The broker's state machine alone, in this process and on one core: commands through their codec, one after the other. */
export async function measureMachine(messages: number): Promise<void> {
  const machine = new BrokerMachine();
  const log = new Log(machine);
  const options = { ...DEFAULT_QUEUE_OPTIONS, maxMessages: 2_000_000 };
  log.append({ type: 'create-queue', queue: QUEUE, options });
  tell(
    'publish',
    'messages_per_s',
    perSecond(messages, () => fill(log, messages)),
  );
  tell('heap', 'bytes_per_message', process.memoryUsage().heapUsed / messages);
  for (const [share, ms] of capturePauses(machine)) tell(`capture ${share}`, 'ms', ms);
  const [chunks, longest] = await stream(machine);
  tell('longest step of reading a capture', 'ms', longest);
  const began = process.cpuUsage();
  await new BrokerMachine().restore(iterate(chunks), { version: 1 });
  tell('restore', 'ms', cpuMs(began));
  const source = machine.capture();
  tell(
    'receive and acknowledge, beside a capture',
    'messages_per_s',
    perSecond(messages / 2, () => drain(log, messages / 2)),
  );
  source.release();
  tell(
    'receive and acknowledge',
    'messages_per_s',
    perSecond(messages / 2, () => drain(log, messages / 2)),
  );
}

class Log {
  readonly #machine: BrokerMachine;
  #index = 0;

  constructor(machine: BrokerMachine) {
    this.#machine = machine;
  }

  /** What a leader does with a command that another node sent: read, apply, write the result. */
  append(given: Command): Result {
    const { codec } = this.#machine;
    this.#index += 1;
    const command = codec.command.decode(codec.command.encode(given));
    const [result] = this.#machine.apply([{ index: this.#index, term: 1, time: this.#index, command }]);
    if (result === undefined || result.type === 'refused') throw new Error(`refused: ${result?.message}`);
    codec.result.encode(result);
    return result;
  }
}

function fill(log: Log, count: number): void {
  const body = new Uint8Array(BODY_BYTES).fill(7);
  for (let at = 0; at < count; at += BATCH) {
    const messages = Array.from({ length: BATCH }, (_none, n) => ({ id: `0f8fad5b-d9cb-469f-a165-${at + n}`, body }));
    log.append({ type: 'publish', queue: QUEUE, messages });
  }
}

function drain(log: Log, count: number): void {
  for (let left = count; left > 0; left -= BATCH) {
    const result = log.append({ type: 'receive', queue: QUEUE, consumer: 'bench', max: BATCH });
    const receipts = result.type === 'deliveries' ? result.deliveries.map(({ receipt }) => receipt) : [];
    log.append({ type: 'acknowledge', queue: QUEUE, receipts });
  }
}

/** For how long nothing else can happen. */
function capturePauses(machine: BrokerMachine): readonly (readonly [string, number])[] {
  const pauses = Array.from({ length: CAPTURES }, () => {
    const began = performance.now();
    const source = machine.capture();
    const pause = performance.now() - began;
    source.release();
    return pause;
  });
  return [
    ['median', median(pauses)],
    ['longest', Math.max(...pauses)],
  ];
}

/** The chunks of a capture, and the CPU time of the longest step between two. */
async function stream(machine: BrokerMachine): Promise<readonly [readonly Uint8Array[], number]> {
  const source = machine.capture();
  const chunks: Uint8Array[] = [];
  let longest = 0;
  let began = process.cpuUsage();
  for await (const chunk of source.chunks({})) {
    longest = Math.max(longest, cpuMs(began));
    chunks.push(chunk);
    began = process.cpuUsage();
  }
  source.release();
  return [chunks, longest];
}

async function* iterate(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** By CPU time, that of the garbage collector's threads included. */
function perSecond(count: number, act: () => void): number {
  const began = process.cpuUsage();
  act();
  return (count / cpuMs(began)) * 1000;
}

function cpuMs(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

function tell(measure: string, unit: string, value: number): void {
  report({ benchmark: 'broker-machine', measure, [unit]: rounded(value) });
}
