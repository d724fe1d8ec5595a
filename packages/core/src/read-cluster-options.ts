import { ClusterError } from './cluster-error.ts';
import { type ClusterOptions, type ClusterTimings, textRules, timingRules } from './cluster-options.ts';
import { checkOptions, type OptionRule, type OptionRules, rule } from './option-rules.ts';
import type { AnyReplicator } from './replicator.ts';

/** Where options come from; what is said first wins: `options`, then `env`, then `json`. */
export interface OptionSources<R extends AnyReplicator = AnyReplicator> {
  /** Environment variables, such as `process.env`. Only those that begin with `QUORATE_` are read. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A JSON text: an object with the options that are no objects of the program, and `timings`. */
  readonly json?: string;
  readonly options?: Partial<ClusterOptions<R>>;
}

const PREFIX = 'QUORATE_';
/** What Kubernetes puts into every pod that can see a service named `quorate`, or `quorate-…`, as `NAME=value`. */
const SERVICE_LINK =
  /^QUORATE_(?:\w+_)?(?:SERVICE_HOST=|SERVICE_PORT(?:_\w+)?=\d|PORT=(?:tcp|udp|sctp):|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?=)/u;

/**
 * Options for `createCluster` from an object, environment variables and JSON text. An option's variable is its name in
 * capitals: `QUORATE_NODE_ID`, `QUORATE_SEED_NODES` (separated by commas), `QUORATE_TIMINGS_START_TIMEOUT_MS`;
 * `name` is `QUORATE_CLUSTER_NAME`, and `metadata` is JSON.
 * @throws ClusterError `INVALID_OPTIONS`, naming the variable or the place in the JSON text; unknown ones are
 * refused, but for the links to services that Kubernetes sets
 */
export function readClusterOptions<R extends AnyReplicator = AnyReplicator>(
  sources: OptionSources<R>,
): ClusterOptions<R> {
  const { env = {}, json, options = {} } = checkOptions<OptionSources<R>>('readClusterOptions', sourceRules(), sources);
  const layers = [json === undefined ? {} : fromJson(json), fromEnvironment(env), withoutUnset(options)];
  const merged: Partial<ClusterOptions<R>> = Object.assign({}, ...layers);
  const timings: ClusterTimings = Object.assign({}, ...layers.map((layer) => withoutUnset(layer.timings ?? {})));
  if (merged.nodeId === undefined) {
    throw new ClusterError('INVALID_OPTIONS', `nodeId must be given: as an option, ${PREFIX}NODE_ID or nodeId in JSON`);
  }
  const withTimings = Object.keys(timings).length === 0 ? {} : { timings };
  return { ...merged, ...withTimings, nodeId: merged.nodeId };
}

function sourceRules<R extends AnyReplicator>(): OptionRules<OptionSources<R>> {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  return {
    env: rule.value('an object of environment variables', isObject),
    json: rule.text('a JSON text', () => true),
    options: rule.value('an object', isObject),
  };
}

type TextOptions = Partial<ClusterOptions<never>>;

function fromJson(text: string): TextOptions {
  const rules = { ...textRules, timings: rule.group<ClusterTimings>('JSON: timings', timingRules) };
  return checkOptions<object>('JSON', rules, parse(text));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Without what stands around the place, which may be a secret.
    const why = String(error).replace(/, \.*".*" is not valid JSON/su, '');
    throw new ClusterError('INVALID_OPTIONS', `JSON: the options cannot be parsed: ${why}`);
  }
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): TextOptions {
  const options: Record<string, unknown> = {};
  const timings: Record<string, unknown> = {};
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || text === undefined || SERVICE_LINK.test(`${variable}=${text}`)) continue;
    const found = VARIABLES.get(variable);
    if (found === undefined) throw new ClusterError('INVALID_OPTIONS', `there is no variable ${variable}`);
    const value = found.rule.fromText?.(text);
    if (value === undefined) throw refused(variable, found.rule, text);
    (found.timing ? timings : options)[found.option] = value;
  }
  return Object.keys(timings).length === 0 ? options : { ...options, timings };
}

function refused(variable: string, rule: OptionRule<unknown>, text: string): ClusterError {
  const got = rule.blame?.(text)?.got ?? JSON.stringify(text);
  return new ClusterError('INVALID_OPTIONS', `${variable} must be ${rule.expected}, got ${got}`);
}

interface Variable {
  readonly option: string;
  readonly timing: boolean;
  readonly rule: OptionRule<unknown>;
}

const VARIABLES: ReadonlyMap<string, Variable> = new Map([
  ...Object.entries<OptionRule<unknown>>(textRules).map(([option, rule]): [string, Variable] => {
    const words = option === 'name' ? 'clusterName' : option;
    return [PREFIX + capitals(words), { option, timing: false, rule }];
  }),
  ...Object.entries<OptionRule<unknown>>(timingRules).map(([option, rule]): [string, Variable] => {
    return [`${PREFIX}TIMINGS_${capitals(option)}`, { option, timing: true, rule }];
  }),
]);

/** `startTimeoutMs`: `START_TIMEOUT_MS`. */
function capitals(name: string): string {
  return name.replaceAll(/[A-Z]/gu, (letter) => `_${letter}`).toUpperCase();
}

function withoutUnset<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;
}
