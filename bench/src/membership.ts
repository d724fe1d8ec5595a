import { parseArgs } from 'node:util';

import { DEFAULT_SETTINGS, MEMBERLIST_LAN_SETTINGS, type SwimSettings } from '@quorate/membership-swim/protocol';
import {
  calm,
  cut,
  death,
  join,
  type ScaleOptions,
  type Spread,
} from '../../scenarios/src/membership-scale/scale-scenarios.ts';
import { type Benchmark, median, report, rounded } from './benchmark.ts';

type Figures = Readonly<Record<string, number>>;
type Scenario = (options: ScaleOptions, seconds: number) => Figures;

const scenarios: Readonly<Record<string, Scenario>> = {
  join: (options) => spread(join(options)),
  silent: (options) => spread(death(options, 'silent')),
  killed: (options) => spread(death(options, 'killed')),
  'silent-loss10': (options) => spread(death({ ...options, network: { lossRate: 0.1 } }, 'silent')),
  cut: (options) => parting(options),
  'cut-loss10': (options) => parting({ ...options, network: { lossRate: 0.1 } }),
  'cut-closed': (options) => parting(options, TRANSPORT_GIVES_UP_MS),
  rest: (options, seconds) => unrest(options, seconds, 0),
  loss1: (options, seconds) => unrest({ ...options, network: { lossRate: 0.01 } }, seconds, 0),
  loss10: (options, seconds) => unrest({ ...options, network: { lossRate: 0.1 } }, seconds, 0),
  loss25: (options, seconds) => unrest({ ...options, network: { lossRate: 0.25 } }, seconds, 0),
  stalls: (options, seconds) => unrest(options, seconds, STALLING_SHARE),
  'stalls-loss1': (options, seconds) => unrest({ ...options, network: { lossRate: 0.01 } }, seconds, STALLING_SHARE),
};
const STALLING_SHARE = 0.05;
/** About what a transport's heartbeats take by default. */
const TRANSPORT_GIVES_UP_MS = 5000;
const all: Readonly<Record<string, SwimSettings>> = { quorate: DEFAULT_SETTINGS, memberlist: MEMBERLIST_LAN_SETTINGS };

/** Thousands of membership machines in simulated time, with the settings of this package and with memberlist's. */
export const membership: Benchmark = {
  name: 'membership',
  description:
    'membership in simulated time: [--sizes 100,1000] [--seeds 5] [--seconds 60] [--settings quorate,memberlist] ' +
    `[--scenarios ${Object.keys(scenarios).join(',')}]`,
  run,
};

const options = {
  sizes: { type: 'string', default: '100,1000' },
  seeds: { type: 'string', default: '5' },
  'first-seed': { type: 'string', default: '1' },
  seconds: { type: 'string', default: '60' },
  settings: { type: 'string', default: Object.keys(all).join(',') },
  scenarios: { type: 'string', default: Object.keys(scenarios).join(',') },
  /** For trials: `--change suspicionMult=3` on top of this package's own. */
  change: { type: 'string', multiple: true },
} as const;

function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options });
  const changes = Object.fromEntries((values.change ?? []).map(change));
  for (const size of values.sizes.split(',').map(Number)) {
    for (const name of values.scenarios.split(',')) {
      for (const by of values.settings.split(',')) {
        const settings = { ...named(all, by), ...(by === 'quorate' && changes) };
        const seeds = Array.from({ length: Number(values.seeds) }, (_, at) => Number(values['first-seed']) + at);
        measure(name, by, { size, settings }, seeds, Number(values.seconds));
      }
    }
  }
  return Promise.resolve();
}

/** The median over the seeds of each figure; what is counted is summed. */
function measure(
  scenario: string,
  by: string,
  about: Omit<ScaleOptions, 'seed'>,
  seeds: readonly number[],
  seconds: number,
): void {
  const before = process.cpuUsage();
  const runs = seeds.map((seed) => named(scenarios, scenario)({ ...about, seed }, seconds));
  const figures = Object.keys(runs[0] ?? {}).map((key) => {
    const values = runs.map((each) => each[key] ?? Number.NaN);
    return [key, rounded(key.endsWith('_total') ? values.reduce((sum, value) => sum + value, 0) : median(values))];
  });
  const { user, system } = process.cpuUsage(before);
  const used = rounded((user + system) / 1e6);
  const line = { benchmark: 'membership', scenario, nodes: about.size, settings: by, seeds: seeds.length };
  report({ ...line, ...(Object.fromEntries(figures) as Figures), cpu_s: used });
}

function spread({ firstMs, medianMs, p95Ms, allMs }: Spread): Figures {
  return { first_ms: firstMs, median_ms: medianMs, p95_ms: p95Ms, all_ms: allMs };
}

function parting(options: ScaleOptions, closesAfterMs?: number): Figures {
  const { falsePositives, ...seen } = cut(options, closesAfterMs);
  return { ...spread(seen), false_beliefs_total: falsePositives };
}

function unrest(options: ScaleOptions, seconds: number, stallingShare: number): Figures {
  const { incidents, beliefs, suspicions, refutations, traffic } = calm(options, seconds, stallingShare);
  const perSecond = (count: number) => count / seconds / options.size;
  return {
    false_positives_total: incidents,
    false_beliefs_total: beliefs,
    suspicions_total: suspicions,
    refutations_total: refutations,
    datagrams_per_node_s: perSecond(traffic.datagrams),
    datagram_bytes_per_node_s: perSecond(traffic.datagramBytes),
    stream_probes_per_node_s: perSecond(traffic.streamProbes),
    exchange_bytes_per_node_s: perSecond(traffic.exchangeBytes),
  };
}

function change(text: string): readonly [string, number | boolean] {
  const [key = '', value = ''] = text.split('=');
  if (!(key in DEFAULT_SETTINGS)) throw new Error(`no setting ${key}`);
  return [key, value === 'true' || value === 'false' ? value === 'true' : Number(value)];
}

function named<T>(from: Readonly<Record<string, T>>, name: string): T {
  const found = from[name];
  if (found === undefined) throw new Error(`there is no ${name} among ${Object.keys(from).join(', ')}`);
  return found;
}
