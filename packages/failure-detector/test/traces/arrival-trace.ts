import { readFileSync } from 'node:fs';

import { sequence } from '../random.ts';

/** When heartbeats of one node arrived, until it stopped. */
export interface ArrivalTrace {
  readonly name: string;
  readonly everyMs: number;
  readonly arrivals: readonly number[];
  readonly stoppedAt: number;
}

const EVERY_MS = 100;
const BEATS = 6_000;

/** One that was recorded by `record.ts`. */
export function recorded(name: string, file: string): ArrivalTrace {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const trace = JSON.parse(text) as Omit<ArrivalTrace, 'name'>;
  return { ...trace, name };
}

/** What sequences of ten minutes are made of: when a heartbeat arrives that was due then, or never. */
type Delivery = (dueAt: number, random: () => number) => number | undefined;

const deliveries: Readonly<Record<string, Delivery>> = {
  regular: (dueAt) => dueAt,
  'jitter of up to half an interval': (dueAt, random) => dueAt + 50 * random(),
  'jitter with a long tail': (dueAt, random) => dueAt - 30 * Math.log(1 - random()),
  // All that was sent within them arrives at their end.
  'bursts: 250 ms held back, every 5 s': (dueAt) => (dueAt % 5_000 < 250 ? dueAt - (dueAt % 5_000) + 250 : dueAt),
  'the interval grows by half': (dueAt, random) => dueAt * (1 + (0.25 * dueAt) / (BEATS * EVERY_MS)) + random(),
  'lost: 5 %': (dueAt, random) => (random() < 0.05 ? undefined : dueAt + random()),
  'lost: 25 %': (dueAt, random) => (random() < 0.25 ? undefined : dueAt + random()),
};

export function synthetic(): readonly ArrivalTrace[] {
  const made = Object.entries(deliveries).map(([name, delivery], seed) => deliver(name, delivery, sequence(seed)));
  return [...made, collections(sequence(99))];
}

function deliver(name: string, delivery: Delivery, random: () => number): ArrivalTrace {
  const dueAt = Array.from({ length: BEATS }, (_, beat) => beat * EVERY_MS);
  const arrivals = dueAt.map((at) => delivery(at, random)).filter((at) => at !== undefined);
  return ended(name, arrivals);
}

/** A collector stops the sender for 150 to 400 ms about every ten seconds: what was due then is sent once, late. */
function collections(random: () => number): ArrivalTrace {
  const arrivals: number[] = [];
  let at = 0;
  while (arrivals.length < BEATS) {
    arrivals.push(at);
    at += EVERY_MS + (random() < 0.01 ? 150 + 250 * random() : 2 * random());
  }
  return ended('pauses of 150 to 400 ms', arrivals);
}

/** Right after its last heartbeat: the worst time to stop unseen. */
function ended(name: string, unordered: readonly number[]): ArrivalTrace {
  const arrivals = [...unordered].sort((a, b) => a - b);
  return { name, everyMs: EVERY_MS, arrivals, stoppedAt: arrivals.at(-1)! };
}
