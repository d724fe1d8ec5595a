import assert from 'node:assert/strict';
import type { DemoOptions } from '../demo/demo-options.ts';
import type { Session } from '../demo/session.ts';
import { cutOffLeader, cutPower, killLeader, pauseLeader, restartInTurn, transfer } from './faults.ts';
import { aLeader, holds, isWhole, makeStage, type Measure, type ScriptOutput, type Stage } from './stage.ts';

interface Step {
  readonly title: string;
  /** @default always */
  readonly isFor?: (options: DemoOptions) => boolean;
  /** Rejects with the reason when anything is not as it should be. */
  readonly run: (stage: Stage) => Promise<void>;
}

/** The life of a broker, from its birth through all that may befall it to its end. */
const steps: readonly Step[] = [
  { title: 'Form a cluster', run: form },
  { title: 'Publish and consume', run: work },
  {
    title: 'Refuse a stranger who has a wrong secret',
    isFor: ({ secret }) => secret !== undefined,
    run: refuseStranger,
  },
  { title: 'Kill the leader with SIGKILL', run: killLeader },
  { title: 'Pause the leader for longer than an election', run: pauseLeader },
  { title: 'Cut the leader off, with fewer than half', run: cutOffLeader },
  { title: 'Cut the power of all', run: cutPower },
  { title: 'Restart every node in turn', run: restartInTurn },
  { title: 'Hand leadership over', run: transfer },
  { title: 'Drain the queues, and audit', run: audit },
  { title: 'Stop all', run: stopAll },
];

/**
 * Runs the demo unattended. Every wait is bounded.
 * @throws Error naming the step and what was not so in it
 */
export async function runScript(session: Session, output: ScriptOutput): Promise<readonly Measure[]> {
  const stage = makeStage(session, output);
  for (const { title, run } of steps.filter(({ isFor }) => isFor?.(session.options) !== false)) {
    output.step(title);
    try {
      await run(stage);
    } catch (error) {
      throw new Error(`${title}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    assert(session.supervisor.crash === undefined, session.supervisor.crash);
  }
  return stage.measures;
}

async function form(stage: Stage): Promise<void> {
  const { supervisor, output } = stage;
  for (const { id } of supervisor.nodes) supervisor.start(id);
  const tookMs = await holds(stage, 'every node sees all others, and knows who leads', () => isWhole(stage));
  const leader = await aLeader(stage);
  output.event(`${supervisor.nodes.map(({ id }) => id).join(', ')} are one cluster`, tookMs);
  output.event(`${leader.id} leads the log, in term ${leader.status?.replication?.term}`);
}

const MESSAGES = 300;

async function work(stage: Stage): Promise<void> {
  const { traffic, output, waitMs } = stage;
  const beganAt = performance.now();
  await traffic.start(AbortSignal.timeout(waitMs));
  output.event('the queues are made, and clients publish and consume', performance.now() - beganAt);
  await holds(stage, `${MESSAGES} messages are delivered`, () => traffic.audit.counts.delivered >= MESSAGES);
  const { published, acknowledged, p50Ms, p99Ms } = traffic.read();
  output.event(`${traffic.audit.counts.delivered} messages are delivered`, performance.now() - beganAt);
  const times = `half of them within ${p50Ms?.toFixed(1)} ms, 99 % within ${p99Ms?.toFixed(1)} ms`;
  output.event(`in the last second ${published} were accepted, ${times}, and ${acknowledged} acknowledged`);
}

/** It knocks at every node, and each refuses it; the cluster goes on as before. */
async function refuseStranger(stage: Stage): Promise<void> {
  const { supervisor, output } = stage;
  const beganAt = performance.now();
  assert(supervisor.sendStranger(), 'there is no secret');
  const refused = () =>
    new Set(supervisor.strangerReports.flatMap((report) => (report.type === 'refused' ? [report.address] : [])));
  await holds(stage, 'every node refuses the stranger', () => refused().size === supervisor.nodes.length);
  const [first] = supervisor.strangerReports.filter((report) => report.type === 'refused');
  output.event(`a process that knows every address knocks, and is told: ${first?.reason}`);
  await holds(stage, 'every node tells of it', () => supervisor.refusers.size === supervisor.nodes.length);
  output.event('every node has refused it, and says so', performance.now() - beganAt);
  const letIn = supervisor.strangerReports.filter((report) => report.type === 'let-in').map(({ address }) => address);
  assert(letIn.length === 0, `the stranger was let in: ${letIn.join(', ')}`);
  const met = supervisor.nodes.filter(({ status }) => status?.members.some(({ id }) => id === 'stranger'));
  assert(met.length === 0, `the stranger is a member, as ${met.map(({ id }) => id).join(', ')} see it`);
}

/** After all that befell the broker: what clients saw is what they were promised. */
export async function audit(stage: Stage): Promise<void> {
  const { traffic, output, waitMs } = stage;
  const beganAt = performance.now();
  await traffic.drain(AbortSignal.timeout(waitMs));
  output.event('nothing more is published, and all queues are empty', performance.now() - beganAt);
  traffic.audit.finish();
  const { accepted, delivered, duplicates, deadLetters } = traffic.audit.counts;
  const problems = [...traffic.refusals, ...traffic.audit.problems.map(({ kind, text }) => `${kind}: ${text}`)];
  assert(problems.length === 0, problems.join('\n'));
  assert(deadLetters > 0, 'no message was among the dead letters, though some are published that nobody can take');
  output.event(`${accepted} messages were accepted: none is lost, none invented, each key in order`);
  output.event(`${deadLetters} of them are dead letters, all of them such that nobody could take them`);
  output.event(`${delivered} deliveries, ${duplicates} of them once more, each with a reason`);
}

async function stopAll(stage: Stage): Promise<void> {
  const { supervisor, traffic, output } = stage;
  const beganAt = performance.now();
  await traffic[Symbol.asyncDispose]();
  await supervisor.stopAll();
  const wrong = supervisor.nodes.filter(({ process }) => process !== 'stopped').map(({ id }) => id);
  assert(wrong.length === 0, `${wrong.join(', ')} did not stop in time and had to be killed`);
  output.event('every process has ended, with code 0', performance.now() - beganAt);
}
