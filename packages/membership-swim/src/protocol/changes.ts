import { sameNode } from '@quorate/core';
import type { SwimCore } from './core.ts';
import { failureReason } from './records.ts';
import type { Suspicions } from './suspicions.ts';
import type { MemberRecord, SwimChange } from './types.ts';

/** Changes of the table, and what is told of them. */
export class Changes {
  readonly #core: SwimCore;
  readonly #suspicions: Suspicions;

  constructor(core: SwimCore, suspicions: Suspicions) {
    this.#core = core;
    this.#suspicions = suspicions;
  }

  put(member: MemberRecord, known: MemberRecord | undefined): void {
    if (member.state !== 'suspect') this.#suspicions.end(member.id);
    this.#core.table.put(member);
    const change = changeTo(member, known);
    if (change !== undefined) this.#core.host.changed(change);
  }

  forget(member: MemberRecord): void {
    this.#suspicions.end(member.id);
    this.#core.table.remove(member.id);
    this.#core.host.changed({ type: 'forgotten', member });
  }

  /** Whether another member has its place. Who has been gone for longest gives up its own; who is refused is named. */
  hasRoom(id: string): boolean {
    const { table, settings, host } = this.#core;
    if (table.places < settings.maxMembers) return true;
    const gone = table.places > table.living ? table.longestGone : undefined;
    if (gone !== undefined) {
      this.forget(gone);
      return true;
    }
    host.refused('too-many-members', id);
    return false;
  }
}

function changeTo(member: MemberRecord, known: MemberRecord | undefined): SwimChange | undefined {
  const before = known?.state;
  switch (member.state) {
    case 'alive':
      if (before === undefined || before === 'unreachable' || before === 'left') return { type: 'joined', member };
      return isSeen(member, known) ? { type: 'updated', member } : undefined;
    case 'suspect':
      if (before === 'suspect') return isSeen(member, known) ? { type: 'updated', member } : undefined;
      return { type: 'suspected', member, reason: failureReason(member.evidence ?? 'silent') };
    case 'unreachable':
      if (before === 'unreachable') return undefined;
      if (before === undefined || before === 'left') return { type: 'remembered', member };
      return { type: 'failed', member, reason: failureReason(member.evidence ?? 'silent') };
    case 'left':
      if (before === 'left') return undefined;
      return before === undefined
        ? { type: 'remembered', member }
        : { type: 'left', member, reason: 'graceful_shutdown' };
  }
}

/** Whether users see a difference: another version alone is none. */
function isSeen(member: MemberRecord, known: MemberRecord | undefined): boolean {
  return (
    known === undefined ||
    member.state !== known.state ||
    member.incarnation !== known.incarnation ||
    member.joinOrder !== known.joinOrder ||
    !sameNode(member.node, known.node)
  );
}
