import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machineTime, type MemberSample } from '../../scenarios/src/membership-processes/member-protocol.ts';
import { ProcessMembers } from '../../scenarios/src/membership-processes/process-members.ts';
import { type Benchmark, median, percentile, report, rounded } from './benchmark.ts';

const WITHIN_MS = 300_000;
/** The programs are loaded first, so many at a time: that takes the machine longer than all that is measured. */
const LOADED_AT_ONCE = 8;
const SEEDS = 3;

/** Nodes in processes of their own on this machine: how they form, see one killed, part and meet again, and what they cost. */
export const membershipProcesses: Benchmark = {
  name: 'membership-processes',
  description: 'membership of real processes: [--nodes 100] [--plain] [--connect-all 64] [--rest 30] [--kills 3]',
  run,
};

const options = {
  nodes: { type: 'string', default: '100' },
  /** Without a secret. */
  plain: { type: 'boolean', default: false },
  'connect-all': { type: 'string' },
  /** Kills, and a cut. */
  'only-form': { type: 'boolean', default: false },
  /** Seconds over which the cost at rest is measured. */
  rest: { type: 'string', default: '30' },
  kills: { type: 'string', default: '3' },
} as const;

async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options });
  const { plain, nodes } = values;
  const ids = Array.from({ length: Number(nodes) }, (_, at) => `n${String(at).padStart(3, '0')}`);
  const secret = plain ? {} : { secret: 'what the nodes of this benchmark know' };
  const upTo = values['connect-all'];
  const connections = upTo === undefined ? {} : { connectAllUpTo: Number(upTo) };
  const about = { benchmark: 'membership-processes', secured: plain ? 'no' : 'yes', nodes: ids.length };
  await using members = new ProcessMembers({ ...secret, ...connections });
  const loading = machineTime();
  await members.load(ids, LOADED_AT_ONCE, WITHIN_MS);
  report({ ...about, measure: 'load the programs', seconds: seconds(machineTime() - loading) });
  await form(members, about);
  if (values['only-form']) return;
  await rest(members, about, Number(values.rest));
  for (let at = 0; at < Number(values.kills); at += 1) await kill(members, about, ids.at(-1 - at) ?? '');
  await part(members, about);
}

type About = Readonly<Record<string, string | number>>;

/** All but the seeds are begun at once. */
async function form(members: ProcessMembers, about: About): Promise<void> {
  const { ids } = members;
  const loaded = await members.samples(WITHIN_MS);
  const seedNodes = await members.begin(ids.slice(0, SEEDS), [], WITHIN_MS);
  const begun = machineTime();
  await members.begin(ids.slice(SEEDS), seedNodes, WITHIN_MS);
  const running = machineTime();
  await members.until('all to hear of all', () => members.haveAllMet(), WITHIN_MS);
  const { meetings } = members;
  report({
    ...about,
    measure: 'form',
    runningSeconds: seconds(running - begun),
    halfKnownSeconds: seconds(percentile(meetings, 0.5) - begun),
    p99KnownSeconds: seconds(percentile(meetings, 0.99) - begun),
    allKnowAllSeconds: seconds((meetings.at(-1) ?? Number.NaN) - begun),
  });
  await members.until('all to see all', () => members.allSee(ids, 'alive'), WITHIN_MS);
  const all = members.lastSighting(ids) - begun;
  const [suspected, failed] = (['suspect', 'unreachable'] as const).map((state) => members.timesSeen(state));
  const wrong = { suspected: suspected ?? 0, failed: failed ?? 0 };
  report({ ...about, measure: 'all see all alive', seconds: seconds(all), ...wrong });
  const samples = await members.samples(WITHIN_MS);
  const cpu = samples.map(({ cpuMs }, at) => cpuMs - (loaded[at]?.cpuMs ?? 0));
  report({ ...about, measure: 'cpu for forming', medianMs: rounded(median(cpu)) });
}

async function rest(members: ProcessMembers, about: About, forSeconds: number): Promise<void> {
  // What forming left behind, connections and rumours, is over by then.
  await sleep(15_000);
  const before = await members.samples(WITHIN_MS);
  const begun = machineTime();
  await sleep(forSeconds * 1_000);
  const after = await members.samples(WITHIN_MS);
  const passed = (machineTime() - begun) / 1_000;
  const rate = (read: (sample: MemberSample) => number) => {
    const rates = after.map((sample, at) => (read(sample) - read(before[at] ?? sample)) / passed);
    return rounded(rates.reduce((sum, each) => sum + each, 0) / rates.length);
  };
  report({
    ...about,
    measure: 'at rest, per node and second',
    datagrams: rate(({ datagrams }) => datagrams),
    datagramBytes: rate(({ datagramBytes }) => datagramBytes),
    streamWrites: rate(({ streamWrites }) => streamWrites),
    streamBytes: rate(({ streamBytes }) => streamBytes),
    cpuPercent: rate(({ cpuMs }) => cpuMs / 10),
    medianRssMiB: rounded(median(after.map(({ rssBytes }) => rssBytes)) / 1_048_576),
  });
}

async function kill(members: ProcessMembers, about: About, victim: string): Promise<void> {
  const at = members.kill(victim);
  const survivors = members.ids;
  await members.until(`all to see that ${victim} is gone`, () => members.allSee([victim], 'unreachable'), WITHIN_MS);
  const times = members.sightings(victim, 'unreachable').map((time) => time - at);
  report({ ...about, nodes: survivors.length + 1, measure: 'a SIGKILL is seen', ...spread(times) });
  const wrong = survivors.length - members.howManySee(survivors, 'alive');
  if (wrong > 0) report({ ...about, measure: 'nodes that see others wrongly after it', wrong });
}

async function part(members: ProcessMembers, about: About): Promise<void> {
  const { ids } = members;
  const halves = [ids.filter((_, at) => at % 2 === 0), ids.filter((_, at) => at % 2 === 1)] as const;
  const cutAt = members.cut(...halves);
  const isParted = () => members.allSee(halves[1], 'unreachable', halves[0]);
  const isPartedBack = () => members.allSee(halves[0], 'unreachable', halves[1]);
  await members.until('both halves to see the cut', () => isParted() && isPartedBack(), WITHIN_MS);
  const parted = Math.max(members.lastSighting(halves[1], halves[0]), members.lastSighting(halves[0], halves[1]));
  report({ ...about, nodes: ids.length, measure: 'a cut in halves is seen by all', seconds: seconds(parted - cutAt) });
  const healedAt = members.heal();
  await members.until('all to see all again', () => members.allSee(ids, 'alive'), WITHIN_MS);
  const met = members.lastSighting(ids) - healedAt;
  report({ ...about, nodes: ids.length, measure: 'all see all after it heals', seconds: seconds(met) });
}

function spread(times: readonly number[]): Readonly<Record<string, number>> {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    firstSeconds: seconds(sorted[0] ?? Number.NaN),
    medianSeconds: seconds(percentile(sorted, 0.5)),
    allSeconds: seconds(sorted.at(-1) ?? Number.NaN),
  };
}

function seconds(ms: number): number {
  return rounded(ms / 1_000);
}
