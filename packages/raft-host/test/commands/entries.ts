import type { Command } from '../../src/commands/command-batch.ts';
import { CommandBatchWriter } from '../../src/commands/command-batch.ts';
import type { CommandOutcome } from '../../src/commands/command-outcome.ts';
import type { CommittedEntry } from '../../src/commands/entry-run.ts';
import type { ApplyResult } from '../../src/commands/replicated-machine.ts';

export function plain(text: string): Command {
  return { kind: 'plain', data: new TextEncoder().encode(text) };
}

export function inSession(sessionId: number, sequence: number, text: string, settled = 0): Command {
  return { kind: 'in-session', sessionId, sequence, settled, data: new TextEncoder().encode(text) };
}

export function batchOf(commands: readonly Command[], time = 0): Uint8Array {
  const writer = new CommandBatchWriter();
  for (const command of commands) writer.add(command);
  return writer.take(time);
}

export function entryOf(index: number, commands: readonly Command[], time = 0): CommittedEntry {
  return { index, term: 1, data: batchOf(commands, time) };
}

/** What is to be told of an outcome: a result, a session, or the code of an error. */
export function shown(outcome: CommandOutcome<string>): string {
  if (!outcome.ok) return outcome.error.code;
  if (outcome.kind === 'result') return outcome.result;
  return outcome.kind === 'opened' ? `session ${outcome.sessionId}` : 'done';
}

/** Of each entry, of each command. */
export function shownAll(result: ApplyResult<string>): string[][] {
  if (result.kind !== 'applied') throw new Error(`${result.kind}: ${JSON.stringify(result)}`);
  return result.outcomes.map((outcomes) => outcomes.map(shown));
}
