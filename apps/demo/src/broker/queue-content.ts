import { IndexedHeap } from './indexed-heap.ts';
import { type Message, state } from './message.ts';
import { ReadyMessages } from './ready-messages.ts';
import { ShardedMap } from './sharded-map.ts';

/** The messages of a queue, from one purge to the next. */
export class QueueContent {
  /** Of its queue. */
  readonly queueNumber: number;
  readonly ready: ReadyMessages = new ReadyMessages();
  /** Delayed and in flight. */
  readonly timed: IndexedHeap<Message> = new IndexedHeap(isDueBefore);
  /** The last message of each key; only the first is in any other list. */
  readonly #lastOfKeys: ShardedMap<Message> | undefined;
  /** How many are in each state. */
  readonly #counts: number[] = [0, 0, 0, 0];
  bytes = 0;
  /** Of the message store, when its messages were given up altogether. */
  purgedAt: number = Number.POSITIVE_INFINITY;

  constructor(queueNumber: number, fifo: boolean) {
    this.queueNumber = queueNumber;
    if (fifo) this.#lastOfKeys = new ShardedMap();
  }

  get readyCount(): number {
    return this.#count(state.ready) + this.#count(state.following);
  }

  get delayedCount(): number {
    return this.#count(state.delayed);
  }

  get inFlightCount(): number {
    return this.#count(state.inFlight);
  }

  get size(): number {
    return this.readyCount + this.delayedCount + this.inFlightCount;
  }

  /** One that is new here. Its state says where it belongs; a message that follows others of its key waits for them. */
  enter(message: Message): void {
    this.bytes += message.content.bytes;
    if (this.#lastOfKeys !== undefined && follows(this.#lastOfKeys, message)) message.state = state.following;
    this.#counts[message.state] = this.#count(message.state) + 1;
    this.#put(message);
  }

  /** Takes the next away from those that are ready, to be handed out until then. */
  handOut(due: number): void {
    const message = this.ready.take();
    if (message === undefined) return;
    this.#become(message, state.inFlight);
    message.attempt += 1;
    message.due = due;
    this.timed.push(message);
  }

  /** One that was timed can be handed out, at once or when it is due. */
  comeBack(message: Message, due: number | undefined): void {
    this.timed.remove(message);
    this.#become(message, due === undefined ? state.ready : state.delayed);
    message.due = due ?? 0;
    this.#put(message);
  }

  extend(message: Message, due: number): void {
    message.due = due;
    this.timed.moved(message);
  }

  /** One that was timed is over. @returns what was behind it, and is ready now */
  leave(message: Message): Message | undefined {
    this.timed.remove(message);
    this.#counts[message.state] = this.#count(message.state) - 1;
    this.bytes -= message.content.bytes;
    const next = message.follower;
    message.follower = undefined;
    if (next === undefined) this.#lastOfKeys?.delete(message.content.key ?? '');
    return next;
  }

  /** What `leave` returned. */
  followed(message: Message): void {
    this.#become(message, state.ready);
    this.#put(message);
  }

  #put(message: Message): void {
    if (message.state === state.ready) this.ready.add(message);
    else if (message.state !== state.following) this.timed.push(message);
  }

  #become(message: Message, next: Message['state']): void {
    this.#counts[message.state] = this.#count(message.state) - 1;
    this.#counts[next] = this.#count(next) + 1;
    message.state = next;
  }

  #count(which: Message['state']): number {
    return this.#counts[which] ?? 0;
  }
}

function isDueBefore(a: Message, b: Message): boolean {
  return a.due < b.due || (a.due === b.due && a.sequence < b.sequence);
}

/** Whether there are others of its key, which it is put behind. */
function follows(lastOfKeys: ShardedMap<Message>, message: Message): boolean {
  const key = message.content.key ?? '';
  const last = lastOfKeys.get(key);
  lastOfKeys.set(key, message);
  if (last === undefined) return false;
  last.follower = message;
  return true;
}
