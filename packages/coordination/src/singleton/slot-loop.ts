import { Backoff, isClusterError, sleep, throwIfAborted } from '@quorate/core';
import { dueSlots } from '../slots/due-slots.ts';
import type { Schedule, SlotTime } from '../slots/schedule.ts';
import type { SlotClaims, SlotOutcome, SlotRecord } from '../slots/slot-claims.ts';
import type { Attempts } from './attempts.ts';
import type { Slot } from './singleton-events.ts';
import type { TaskBoard } from './task-board.ts';
import type { Tenure } from './tenures.ts';

/** The wall clock is looked at this often: it may have been set. */
const LOOK_MS = 1000;
/** How far the claims may be ahead of the wall clock before that is told. */
const HELD_MS = 1000;
const CLAIM_BACKOFF = { baseMs: 100, maxMs: 5000 };

/** The slots of a task during one tenure, each claimed before it is begun. */
export class SlotLoop {
  readonly #board: TaskBoard;
  readonly #schedule: Schedule;
  readonly #claims: SlotClaims;
  readonly #attempts: Attempts;
  readonly #tenure: Tenure;
  readonly #signal: AbortSignal;
  /** All slots up to this one are seen to. */
  #cursor: SlotTime = 0;
  #isHeld = false;
  /** A slot was left as it is: none may be claimed behind it. */
  #isOver = false;

  constructor(
    board: TaskBoard,
    schedule: Schedule,
    claims: SlotClaims,
    attempts: Attempts,
    tenure: Tenure,
    signal: AbortSignal,
  ) {
    this.#board = board;
    this.#schedule = schedule;
    this.#claims = claims;
    this.#attempts = attempts;
    this.#tenure = tenure;
    this.#signal = signal;
  }

  /** Ends when the signal aborts, or when a later holder has opened the task. */
  async run(): Promise<void> {
    try {
      await this.#open();
      while (!this.#isOver) await this.#step();
    } catch (error) {
      if (this.#signal.aborted) return;
      if (!isClusterError(error, 'STALE_TOKEN')) throw error;
      this.#board.warn('a later holder has claimed it', error);
    }
  }

  async #open(): Promise<void> {
    const { task, clock } = this.#board;
    const { token } = this.#tenure;
    // Of the moment of the first attempt, so that nothing is lost by those that fail.
    const from = clock.wallTime();
    this.#board.show({ state: 'scheduled' });
    const record = await this.#insist((signal) => this.#claims.open(task, token, from, { signal }));
    this.#cursor = record.last;
    if (record.outcome === undefined) await this.#takeUp(record);
  }

  /** What a holder has begun and not ended. */
  async #takeUp({ last: time, starts }: SlotRecord): Promise<void> {
    const { task, settings } = this.#board;
    const { token } = this.#tenure;
    if (settings.onInterrupted === 'skip' || starts >= settings.maxStarts) {
      await this.#settle(time, 'skipped');
      this.#board.emit('skipped', { task, from: time, to: time, reason: 'interrupted' });
      return;
    }
    const isMine = await this.#insist((signal) =>
      this.#claims.reclaim({ task, slot: time, token, starts }, { signal }),
    );
    if (isMine) await this.#work(time, starts + 1);
    else await this.#open();
  }

  /** Waits for a slot, or does one. */
  async #step(): Promise<void> {
    throwIfAborted(this.#signal, 'slots');
    const { task, clock, settings } = this.#board;
    const now = clock.wallTime();
    this.#tellIfHeld(now);
    const { slot, skipped, next } = dueSlots(this.#schedule, this.#cursor, now, settings);
    const claimed = slot ?? skipped?.to;
    if (claimed === undefined) return await this.#rest(now, next);
    const { token } = this.#tenure;
    const claim = { task, slot: claimed, token, after: this.#cursor };
    if (!(await this.#insist((signal) => this.#claims.claim(claim, { signal })))) return await this.#open();
    this.#cursor = claimed;
    if (skipped !== undefined) this.#board.emit('skipped', { task, ...skipped, reason: 'missed' });
    if (slot === undefined) await this.#settle(claimed, 'skipped');
    else await this.#work(slot, 1);
  }

  async #rest(now: SlotTime, next: SlotTime | undefined): Promise<void> {
    this.#board.show({ state: 'scheduled', nextSlot: next });
    const delayMs = next === undefined ? LOOK_MS : Math.min(LOOK_MS, next - now);
    await sleep(this.#board.clock, delayMs, { signal: this.#signal });
  }

  async #work(time: SlotTime, starts: number): Promise<void> {
    const slot: Slot = { time, key: `${this.#board.task}@${time}`, starts };
    const end = await this.#attempts.run(this.#tenure, this.#signal, slot);
    // One that was stopped stays as it is: the next holder finds it begun. The grant may be over by the clock before its
    // signal says so.
    if (end === 'stopped') this.#isOver = true;
    else await this.#settle(time, end);
  }

  /** Also when the time is over, as long as no later holder has opened the task. */
  async #settle(slot: SlotTime, outcome: SlotOutcome): Promise<void> {
    const { task } = this.#board;
    const settlement = { task, slot, token: this.#tenure.token, outcome };
    if (!this.#signal.aborted) {
      try {
        return await this.#insist((signal) => this.#claims.settle(settlement, { signal }));
      } catch (error) {
        if (!this.#signal.aborted) throw error;
      }
    }
    await this.#claims.settle(settlement);
  }

  /** Calls again until it is answered. @throws ClusterError `ABORTED`, `STALE_TOKEN` */
  async #insist<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { task, clock, random } = this.#board;
    const backoff = new Backoff(random, CLAIM_BACKOFF);
    for (;;) {
      throwIfAborted(this.#signal, 'claim');
      try {
        return await call(this.#signal);
      } catch (error) {
        if (this.#signal.aborted || isClusterError(error, 'STALE_TOKEN')) throw error;
        const retryInMs = backoff.next();
        this.#board.show({ lastError: error });
        this.#board.emit('claimFailed', { task, error, retryInMs });
        await sleep(clock, retryInMs, { signal: this.#signal });
      }
    }
  }

  #tellIfHeld(now: SlotTime): void {
    const aheadMs = this.#cursor - now;
    if (aheadMs < HELD_MS) this.#isHeld = false;
    else if (!this.#isHeld) {
      this.#isHeld = true;
      this.#board.warn(`its slots are claimed up to ${aheadMs} ms ahead of this node's wall clock: it waits`);
      this.#board.emit('held', { task: this.#board.task, until: this.#cursor, aheadMs });
    }
  }
}
