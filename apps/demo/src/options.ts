import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isNodeId, type LogSink, MIN_SECRET_LENGTH, type NodeId, parseAddress } from '@quorate/core';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { discoveries, type DiscoveryName } from './discoveries.ts';
import { type ElectionName, elections, isReplicated } from './elections.ts';
import { type MembershipName, memberships } from './memberships.ts';
import { namesOf, type Profile, profiles } from './parts.ts';
import type { NodeSettings } from './run-node.ts';

export interface DemoOptions {
  readonly nodes: number;
  readonly script: boolean;
  readonly discovery: DiscoveryName;
  readonly election: ElectionName;
  readonly membership: MembershipName;
  readonly profile: Profile;
  /** Without it, nothing is authenticated. */
  readonly secret: string | undefined;
  /** Undefined for a temporary folder that is removed at the end. */
  readonly data: string | undefined;
  /** Undefined: one is started, where the discovery asks one. */
  readonly registry: string | undefined;
  /** Undefined: one is started, where the election asks one. */
  readonly elector: string | undefined;
}

export interface NodeOptions extends NodeSettings {
  /** Serves a ledger from this process, for nodes that have none: the port. */
  readonly serveLedger: number | undefined;
}

/** Nodes are named by one letter each, and all are to fit on a screen. */
const MAX_NODES = 15;
/** With fewer, the loss of one leaves no majority to go on. */
const MIN_SCRIPT_NODES = 3;

/**
 * @param argv the arguments alone, without the program
 * @throws CommanderError after telling the user what is wrong, or what `--help` asks for
 */
export function readDemoOptions(argv: readonly string[]): DemoOptions {
  const command = partOptions(new Command('npm run demo --'))
    .description('Starts a cluster of processes on this machine, to kill and watch heal.')
    .option('--nodes <n>', `how many nodes, 1 to ${MAX_NODES}`, integer(1, MAX_NODES), 3)
    .option('--script', 'no keys: form, lose the leader in three ways, check everything, stop', false)
    .option('--data <dir>', "keeps the nodes' storage in this folder, instead of a temporary one");
  const given = parse<DemoOptions>(command, argv);
  const { nodes, script, discovery, registry, election, elector, membership, profile, secret, data } = given;
  if (script && nodes < MIN_SCRIPT_NODES) {
    command.error(`--script needs --nodes ${MIN_SCRIPT_NODES} or more: fewer cannot lose one and go on`);
  }
  if (registry !== undefined) {
    checkRegistry(command, discovery);
    if (!discoveries[discovery].canRegister) {
      command.error(
        `with --discovery ${discovery} the demo starts a server and keeps its records: leave --registry out`,
      );
    }
  }
  if (elector !== undefined) checkElector(command, election);
  return { nodes, script, discovery, registry, election, elector, membership, profile, secret, data };
}

interface RawNodeOptions extends Omit<NodeOptions, 'bind' | 'ledgerUrl' | 'voters' | 'peers'> {
  readonly host: string;
  readonly port: number;
  readonly peers: readonly string[];
  readonly voters: readonly string[] | undefined;
  readonly ledger: string | undefined;
}

/** As `readDemoOptions`. */
export function readNodeOptions(argv: readonly string[]): NodeOptions {
  const command = partOptions(new Command('npm run node --'))
    .description('Runs one node of a cluster in this terminal.')
    .requiredOption('--id <id>', 'its name, the same at every start', nodeId)
    .option('--host <host>', 'where it listens', '127.0.0.1')
    .option('--port <port>', 'where it listens; 0 is any free port', integer(0, 65_535), 0)
    .option('--advertise <host:port>', 'where others reach it, if that differs', address)
    .option('--peers <list>', 'other nodes: id@host:port or host:port, separated by commas', list, [])
    .option('--voters <ids>', 'all that vote, the same on every node (default: this node and the ids of --peers)', list)
    .option('--cluster <name>', 'nodes of another cluster are refused', 'demo')
    .option('--data <dir>', 'its storage goes into a folder below', join(tmpdir(), 'quorate-demo'))
    .option('--insecure', 'listen on other addresses than loopback, though nothing is authenticated', false)
    .option(
      '--ledger <url>',
      'where the leader has its tickets numbered; without it, it has no job (raft: needs none)',
      url,
    )
    .option('--serve-ledger <port>', 'serves such a ledger from this process, and uses it', integer(0, 65_535))
    .addOption(logLevelOption())
    .option('--debug <scopes>', 'details of parts, such as wire,election');
  const { host, port, ledger, ...raw } = parse<RawNodeOptions>(command, argv);
  if (raw.serveLedger !== undefined && ledger !== undefined) {
    command.error('--ledger and --serve-ledger contradict each other: give one');
  }
  if (isReplicated(raw.election) && (raw.serveLedger ?? ledger) !== undefined) {
    command.error(
      `with --election ${raw.election} the nodes keep the ledger themselves: leave --ledger and --serve-ledger out`,
    );
  }
  if (raw.registry !== undefined) checkRegistry(command, raw.discovery);
  if (raw.elector !== undefined) checkElector(command, raw.election);
  return {
    ...raw,
    registry: raw.registry,
    elector: raw.elector,
    secret: raw.secret,
    advertise: raw.advertise,
    debug: raw.debug,
    serveLedger: raw.serveLedger,
    bind: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    voters: raw.voters ?? votersFrom(command, raw.id, raw.peers),
    ledgerUrl: ledger,
  };
}

/** The names of the first nodes: a, b, c, … */
export function nodeNames(count: number): readonly NodeId[] {
  return 'abcdefghijklmno'.split('').slice(0, count);
}

function partOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--discovery <name>', 'how nodes find each other').choices(namesOf(discoveries)).default('static'),
    )
    .option('--registry <place>', `what the discovery asks (${placesOf(discoveries)})`)
    .addOption(
      new Option('--election <name>', 'how they elect; raft keeps the ledger on every node, too')
        .choices(namesOf(elections))
        .default('majority'),
    )
    .addOption(
      new Option('--membership <name>', 'how they know who is there')
        .choices(namesOf(memberships))
        .default('connection'),
    )
    .addOption(
      new Option(
        '--secret <text>',
        'what all nodes know and strangers do not; of the environment, others can not see it',
      )
        .env('QUORATE_SECRET')
        .argParser(secretText),
    )
    .option('--elector <place>', `what the election asks (${placesOf(elections)})`)
    .addOption(new Option('--profile <name>', 'timings for a kind of network').choices(profiles).default('lan'));
}

/** The forms that `--registry` or `--elector` takes. */
function placesOf(choices: Readonly<Record<string, { readonly place: string | undefined }>>): string {
  const all = Object.entries(choices).filter(([, { place }]) => place !== undefined);
  return all.map(([name, { place }]) => `${name}: ${place}`).join('; ');
}

function checkRegistry(command: Command, discovery: DiscoveryName): void {
  if (discoveries[discovery].place !== undefined) return;
  command.error(`--discovery ${discovery} asks nobody: leave --registry out`);
}

function checkElector(command: Command, election: ElectionName): void {
  if (elections[election].place !== undefined) return;
  command.error(`--election ${election} asks nobody: leave --elector out`);
}

function logLevelOption(): Option {
  const levels: readonly LogSink[] = ['silent', 'error', 'warn', 'info', 'debug'];
  return new Option('--log-level <level>', 'what the parts log').choices(levels).default('warn');
}

function parse<O extends object>(command: Command, argv: readonly string[]): O {
  return command.allowExcessArguments(false).exitOverride().parse(argv, { from: 'user' }).opts<O>();
}

/** How the process is to end after `readDemoOptions` or `readNodeOptions` threw: help is no failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode;
  throw error;
}

function votersFrom(command: Command, id: NodeId, peers: readonly string[]): readonly NodeId[] {
  const ids = peers.map((peer) => peer.split('@', 2)).map(([first, rest]) => (rest === undefined ? undefined : first));
  if (ids.includes(undefined)) command.error('--voters is needed, because a peer was given without its id');
  return [...new Set([id, ...ids.filter((peer) => peer !== undefined)])];
}

function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/u.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

function secretText(text: string): string {
  if (text.length >= MIN_SECRET_LENGTH) return text;
  throw new InvalidArgumentError(`Expected at least ${MIN_SECRET_LENGTH} characters.`);
}

function nodeId(text: string): NodeId {
  if (isNodeId(text)) return text;
  throw new InvalidArgumentError('Expected letters, digits, ".", "_" and "-".');
}

function address(text: string): string {
  try {
    parseAddress(text);
    return text;
  } catch {
    throw new InvalidArgumentError('Expected host:port.');
  }
}

function url(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'http:') return text;
  throw new InvalidArgumentError('Expected http://host:port.');
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
