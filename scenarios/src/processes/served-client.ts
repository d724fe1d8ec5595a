import type { Socket } from 'node:net';
import { isClusterError, type Replicator, type Session } from '@quorate/core';
import { readLines } from './lines.ts';
import type { NodeCall, NodeOutcome, NodeRequest } from './node-protocol.ts';
import type { MachineAnswer, MachineCommand, MachineQuery, MachineResult } from './register-machine.ts';

export type Machine = Replicator<MachineCommand, MachineResult, MachineQuery, MachineAnswer>;
type MachineSession = Session<MachineCommand, MachineResult>;

/** Within which a call is done or given up; one in a session is tried for longer. */
const CALL_TIMEOUT_MS = 1000;
const SESSION_TIMEOUT_MS = 3000;

/** One client of a node, with at most one session. */
export class ServedClient {
  readonly #machine: Machine;
  readonly #socket: Socket;
  #session: Promise<MachineSession> | undefined;

  constructor(machine: Machine, socket: Socket) {
    this.#machine = machine;
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => void this.#leave());
    readLines(socket, (line) => void this.#answer(JSON.parse(line) as NodeRequest));
  }

  async #answer({ id, ...call }: NodeRequest): Promise<void> {
    const outcome = await this.#perform(call);
    this.#socket.write(`${JSON.stringify({ id, ...outcome })}\n`);
  }

  async #perform(call: NodeCall): Promise<NodeOutcome> {
    if (call.type !== 'session-write') return await outcomeOf(this.#performPlain(call));
    this.#session ??= this.#machine.openSession();
    const session = await this.#session.catch((error: unknown) => error);
    if (!isSession(session)) {
      this.#session = undefined;
      return { outcome: 'not-applied', code: `NO_SESSION ${codeOf(session)}` };
    }
    return await outcomeOf(session.replicate(call.command, { timeoutMs: SESSION_TIMEOUT_MS }));
  }

  async #performPlain(
    call: Exclude<NodeCall, { readonly type: 'session-write' }>,
  ): Promise<MachineResult | MachineAnswer> {
    const timeoutMs = CALL_TIMEOUT_MS;
    if (call.type === 'write') return await this.#machine.replicate(call.command, { timeoutMs });
    return await this.#machine.read(call.query, { timeoutMs, consistency: call.consistency });
  }

  async #leave(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    await session?.[Symbol.asyncDispose]();
  }
}

async function outcomeOf(call: Promise<MachineResult | MachineAnswer>): Promise<NodeOutcome> {
  try {
    return { outcome: 'ok', result: await call };
  } catch (error) {
    // Without word on its fate it is unknown: so clients have to take it.
    return { outcome: (isClusterError(error) ? error.outcome : undefined) ?? 'unknown', code: codeOf(error) };
  }
}

/** What is not a `ClusterError` is a bug: it ends the process, and so the test. */
function codeOf(error: unknown): string {
  if (!isClusterError(error)) throw error;
  return error.code;
}

function isSession(value: unknown): value is MachineSession {
  return typeof value === 'object' && value !== null && 'replicate' in value;
}
