import type { EventOf, HistoryEvent } from './history.ts';
import type { MachineMs } from './report.ts';
import type { PictureEvent } from './frame.ts';

/** Tells the events that people want to see, with the time that each took where it ends something. */
export class Narrator {
  /** When the leader was lost, until the next one is there. */
  #lost: { readonly at: MachineMs; readonly how: string } | undefined;

  /** Who has told that it refused the stranger who came last. */
  readonly #refusers = new Set<string>();

  /** Undefined for what is shown elsewhere, or comes too often. */
  tell(event: HistoryEvent): PictureEvent | undefined {
    switch (event.source) {
      case 'ledger':
        return event.type === 'refused'
          ? {
              at: event.at,
              text: `${event.node}'s late ticket was refused: token ${event.token} is stale`,
              tone: 'bad',
            }
          : undefined;
      case 'stranger':
        if (event.type === 'came') this.#refusers.clear();
        return tellStranger(event);
      case 'node':
        return this.#tellNode(event);
      case 'process':
        return this.#tellProcess(event);
    }
  }

  #tellNode(event: HistoryEvent & { readonly source: 'node' }): PictureEvent | undefined {
    const { node, at } = event;
    switch (event.type) {
      case 'started':
        return { at, text: `${node} listens on ${event.address}`, tone: 'plain' };
      case 'granted':
        return { at, text: `${node} leads in term ${event.token}${this.#sinceLost(at)}`, tone: 'good' };
      case 'ended': {
        const late = at - event.deadline;
        const told = late < 5 ? '' : `, as it tells ${late.toFixed(0)} ms later`;
        if (late < 5) this.#lost = { at: event.deadline, how: 'that grant ended' };
        return { at, text: `${node}'s grant of term ${event.token} ended${told}`, tone: 'plain' };
      }
      case 'ledger-failed':
        return { at, text: `${node} could not reach the ledger: ${event.message}`, tone: 'bad' };
      case 'turned-away':
        return this.#tellRefusal(event);
      case 'member':
      case 'peers':
      case 'leader':
      case 'printing':
      case 'accepted':
      case 'refused':
      case 'rang':
      case 'discovered':
      case 'stopping':
      case 'stopped':
        return undefined;
    }
  }

  /** It knocks again and again. */
  #tellRefusal({ node, at, reason }: EventOf<'node', 'turned-away'>): PictureEvent | undefined {
    if (this.#refusers.has(node)) return undefined;
    this.#refusers.add(node);
    return { at, text: `${node}: ${reason}`, tone: 'good' };
  }

  #tellProcess(event: HistoryEvent & { readonly source: 'process' }): PictureEvent | undefined {
    const { node, at } = event;
    switch (event.type) {
      case 'killed':
        this.#lost = { at, how: 'SIGKILL' };
        return { at, text: `${node} was killed: SIGKILL`, tone: 'bad' };
      case 'paused':
        this.#lost = { at, how: 'the pause' };
        return { at, text: `${node} was paused: SIGSTOP`, tone: 'bad' };
      case 'continued':
        // It may have lost nothing: a grant that begins later is not measured from the pause.
        this.#lost = undefined;
        return { at, text: `${node} was continued`, tone: 'plain' };
      case 'asked-to-stop':
        return { at, text: `${node} was asked to stop: SIGTERM`, tone: 'plain' };
      case 'exited': {
        if (event.expected) return event.code === 0 ? { at, text: `${node} ended`, tone: 'plain' } : undefined;
        const how = event.signal ?? `code ${event.code}`;
        return {
          at,
          text: `${node} ended by itself (${how}): ${event.output.at(-1) ?? 'it said nothing'}`,
          tone: 'bad',
        };
      }
      case 'spawned':
        return undefined;
    }
  }

  #sinceLost(at: MachineMs): string {
    const lost = this.#lost;
    this.#lost = undefined;
    return lost === undefined ? '' : `, ${(at - lost.at).toFixed(1)} ms after ${lost.how}`;
  }
}

function tellStranger(event: HistoryEvent & { readonly source: 'stranger' }): PictureEvent | undefined {
  const { at } = event;
  switch (event.type) {
    case 'came':
      return { at, text: 'a stranger comes, who knows every address and has a wrong secret', tone: 'plain' };
    case 'let-in':
      return { at, text: `the stranger was let in at ${event.address}`, tone: 'bad' };
    case 'went':
      return { at, text: 'the stranger has gone', tone: 'plain' };
    case 'refused':
      return undefined;
  }
}
