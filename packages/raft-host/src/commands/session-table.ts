import type { ClusterError } from '@quorate/core';
import type { SessionCommand } from './command-batch.ts';
import {
  type Admitted,
  alreadySettled,
  MAX_REMEMBERED_BYTES,
  overloaded,
  type Remembered,
  REMEMBERED_OVERHEAD_BYTES,
  rememberedBytes,
  type Session,
  sessionGone,
} from './session.ts';

// Part of the replicated state: a node with other bounds would answer otherwise. They change only with the format.
export const MAX_SESSIONS = 10_000;
/** Commands that a session remembers at once. */
export const MAX_UNSETTLED = 1024;
/** Of all that is remembered, over all sessions: with this much no further command is let through. */
export const MAX_ALL_REMEMBERED_BYTES: number = 32 * 1024 * 1024;

/** Looking through all sessions for expired ones, just to free memory, is done no more often, by the time in the log. */
const SWEEP_INTERVAL_MS = 1000;

/** What the table says to a command. */
export type Admission =
  /** It goes to the machine now, for the first and only time. */
  | { readonly kind: 'apply'; readonly admitted: Admitted }
  /** It was let through before: its result is that one's, which may be in the same batch. */
  | { readonly kind: 'duplicate'; readonly admitted: Admitted }
  | { readonly kind: 'refused'; readonly error: ClusterError };

/**
 * The sessions of a group's clients, by which a command takes effect once however often it is retried (Ongaro's
 * dissertation, 6.3; Lee et al., "Implementing linearizability at large scale and low latency", SOSP 2015). It is part of
 * the replicated state: all it does follows from the log.
 *
 * A session has expired when the time of the log has passed `lastSeen + ttlMs`. As that time never goes back, an expired
 * one stays so, and it makes no difference when it is cleared away.
 */
export class SessionTable {
  /** By id; in their order, since ids only grow. Undefined until there is one. */
  #sessions: Map<number, Session> | undefined;
  #nextId: number;
  /** Of the log. */
  #time = 0;
  /** Of what open sessions remember. */
  #rememberedBytes = 0;
  /** Commands let through whose results are not known yet. */
  #pending = 0;
  /** Until then, none of the sessions expires. */
  #earliestExpiry = -Infinity;
  #nextSweep = -Infinity;

  /** @param sessions in the order of their ids, of things remembered only */
  constructor(nextId = 1, sessions: readonly Session[] = []) {
    this.#nextId = nextId;
    if (sessions.length > 0) this.#sessions = new Map(sessions.map((session) => [session.id, session]));
    for (const { admitted } of sessions) {
      for (const { remembered } of admitted.values()) this.#rememberedBytes += rememberedBytes(remembered);
    }
  }

  /** The next session's id: none is ever used again. */
  get nextId(): number {
    return this.#nextId;
  }

  /**
   * Whether what the table says next could depend on results that it wasn't told yet. It counts bytes, so it would say
   * otherwise to a command when those before it were applied in other portions; with all results told, it never does.
   */
  get needsResults(): boolean {
    const most = this.#pending * (MAX_REMEMBERED_BYTES + REMEMBERED_OVERHEAD_BYTES);
    return this.#pending > 0 && this.#rememberedBytes + most >= MAX_ALL_REMEMBERED_BYTES;
  }

  /** Those that have not expired, in the order of their ids. */
  sessions(): readonly Session[] {
    this.#sweep();
    return [...(this.#sessions?.values() ?? [])];
  }

  /** What follows has this time, which is none before those told earlier. */
  advance(time: number): void {
    this.#time = time;
    if (time < this.#nextSweep) return;
    this.#nextSweep = time + SWEEP_INTERVAL_MS;
    this.#sweep();
  }

  /** The id of a new session. */
  open(ttlMs: number): number | ClusterError {
    this.#sessions ??= new Map();
    if (this.#sessions.size >= MAX_SESSIONS) this.#sweep();
    if (this.#sessions.size >= MAX_SESSIONS) return overloaded(`there are ${MAX_SESSIONS} sessions already`);
    const id = this.#nextId;
    this.#nextId += 1;
    this.#earliestExpiry = Math.min(this.#earliestExpiry, this.#time + ttlMs);
    this.#sessions.set(id, { id, ttlMs, lastSeen: this.#time, settled: 0, admitted: new Map(), isOpen: true });
    return id;
  }

  /** A sign of life. */
  keep(id: number): ClusterError | undefined {
    return this.#seen(id) === undefined ? sessionGone(id) : undefined;
  }

  close(id: number): ClusterError | undefined {
    const session = this.#seen(id);
    if (session === undefined) return sessionGone(id);
    this.#drop(session);
    return undefined;
  }

  /** To be asked only while nothing `needsResults`. */
  admit({ sessionId, sequence, settled }: Omit<SessionCommand, 'kind' | 'data'>): Admission {
    const session = this.#seen(sessionId);
    if (session === undefined) return { kind: 'refused', error: sessionGone(sessionId) };
    this.#settle(session, settled);
    if (sequence < session.settled) return { kind: 'refused', error: alreadySettled(session, sequence) };
    const known = session.admitted.get(sequence);
    if (known !== undefined) return { kind: 'duplicate', admitted: known };
    const error = this.#lackOfRoom(session);
    if (error !== undefined) return { kind: 'refused', error };
    const admitted: Admitted = { session, sequence, remembered: undefined };
    session.admitted.set(sequence, admitted);
    this.#pending += 1;
    return { kind: 'apply', admitted };
  }

  /** What became of a command that was let through. The bytes must not change. */
  remember(admitted: Admitted, result: Remembered): void {
    this.#pending -= 1;
    admitted.remembered = typeof result !== 'string' && result.length > MAX_REMEMBERED_BYTES ? 'too-large' : result;
    const { session, sequence } = admitted;
    // In the meantime the session may have been closed, or its client have settled this.
    if (session.isOpen && session.admitted.get(sequence) === admitted) {
      this.#rememberedBytes += rememberedBytes(admitted.remembered);
    }
  }

  /** The session, if there is one that has not expired, which counts as a sign of life. */
  #seen(id: number): Session | undefined {
    const session = this.#sessions?.get(id);
    if (session === undefined) return undefined;
    if (this.#hasExpired(session)) {
      this.#drop(session);
      return undefined;
    }
    session.lastSeen = this.#time;
    return session;
  }

  #settle(session: Session, settled: number): void {
    const { admitted, settled: before } = session;
    if (settled <= before) return;
    session.settled = settled;
    // Usually it moves by one or two; but a client may say anything.
    if (settled - before <= admitted.size) {
      for (let sequence = before; sequence < settled; sequence += 1) this.#forget(admitted.get(sequence));
    } else {
      for (const each of admitted.values()) if (each.sequence < settled) this.#forget(each);
    }
  }

  #forget(admitted: Admitted | undefined): void {
    if (admitted === undefined) return;
    admitted.session.admitted.delete(admitted.sequence);
    this.#rememberedBytes -= rememberedBytes(admitted.remembered);
  }

  #lackOfRoom(session: Session): ClusterError | undefined {
    if (session.admitted.size >= MAX_UNSETTLED) {
      return overloaded(`session ${session.id}: ${MAX_UNSETTLED} results wait for the client to say that it has them`);
    }
    if (this.#rememberedBytes >= MAX_ALL_REMEMBERED_BYTES) this.#sweep();
    if (this.#rememberedBytes < MAX_ALL_REMEMBERED_BYTES) return undefined;
    return overloaded(`sessions remember ${MAX_ALL_REMEMBERED_BYTES} bytes of results already`);
  }

  #hasExpired({ lastSeen, ttlMs }: Session): boolean {
    return lastSeen + ttlMs < this.#time;
  }

  /** Clears expired sessions away. */
  #sweep(): void {
    if (this.#time <= this.#earliestExpiry) return;
    this.#earliestExpiry = Infinity;
    for (const session of this.#sessions?.values() ?? []) {
      if (this.#hasExpired(session)) this.#drop(session);
      else this.#earliestExpiry = Math.min(this.#earliestExpiry, session.lastSeen + session.ttlMs);
    }
  }

  #drop(session: Session): void {
    session.isOpen = false;
    this.#sessions?.delete(session.id);
    for (const { remembered } of session.admitted.values()) this.#rememberedBytes -= rememberedBytes(remembered);
  }
}
