import type { Clock, Codec, StateMachine } from '@quorate/core';
import { createWorld } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { CommandDesk } from '../src/command-desk.ts';
import type { Command } from '../src/commands/command-batch.ts';
import { encodeForwarded, Forwarding } from '../src/forwarding.ts';
import { unmeasured } from './unmeasured.ts';
import { GroupMachine } from '../src/group-machine.ts';
import type { Proposal, Settled } from '../src/proposals.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const json: Codec<number> = {
  encode: (value) => bytes(JSON.stringify(value)),
  decode: (data) => JSON.parse(new TextDecoder().decode(data)) as number,
};
const never = (): never => {
  throw new Error('not used');
};
const summing: StateMachine<number, number, number, number> = {
  version: 1,
  codec: { command: json, result: json, query: json, answer: json },
  apply: (batch) => batch.map(({ command }) => command),
  query: never,
  capture: never,
  restore: never,
};

describe('commands of other nodes', () => {
  it('that the machine could not read are refused before they are committed, and those beside them are not', async () => {
    const host = createWorld({ seed: 'command desk' }).host('a');
    host.start(() => undefined);
    const { clock } = host.system;
    const machine = new GroupMachine(1, () => summing);
    const committed: Command[] = [];
    const desk = new CommandDesk<number>({
      instruments: unmeasured,
      group: 1,
      clock,
      codec: machine.codec,
      objection: machine.objection,
      leader: () => 'self',
      notLeader: never,
      passOn: never,
      dispatch: () => ({
        submit: (together) => {
          for (const proposal of together) {
            committed.push(proposal.command);
            proposal.resolve({ index: committed.length, outcome: { ok: true, kind: 'result', result: 7 } });
          }
        },
      }),
    });
    const plain = (text: string): Command => ({ kind: 'plain', data: bytes(text) });
    const inSession: Command = { kind: 'in-session', sessionId: 1, sequence: 1, settled: 0, data: bytes('{"') };
    const sent = [plain('5'), plain('\u0000!'), inSession, { kind: 'keep-session', sessionId: 1 } as const];

    const told = await forwarded(sent, (body) => desk.answer(body), machine, clock);

    expect(committed).toEqual([sent[0], sent[3]]);
    expect(told).toEqual([
      expect.objectContaining({ index: 1 }),
      expect.objectContaining({ code: 'PROTOCOL', outcome: 'not-applied' }),
      expect.objectContaining({ code: 'PROTOCOL', outcome: 'not-applied' }),
      expect.objectContaining({ index: 2 }),
    ]);
  });
});

/** What each command's caller is told that had it forwarded. */
async function forwarded(
  commands: readonly Command[],
  answer: (body: Uint8Array) => Promise<Uint8Array>,
  { codec }: GroupMachine<number, number, number, number>,
  clock: Clock,
): Promise<readonly unknown[]> {
  const forwarding = new Forwarding<number>({
    codec,
    now: () => clock.now(),
    send: (_to, given) => answer(encodeForwarded(given)),
    retry: never,
  });
  const told = commands.map(
    (command) =>
      new Promise<Settled<number> | Error>((resolve) => {
        const proposal: Proposal<number> = {
          command,
          deadline: clock.now() + 1000,
          onAll: false,
          resolve,
          reject: resolve,
        };
        forwarding.gather([proposal]);
      }),
  );
  forwarding.flush('leader');
  return await Promise.all(told);
}
