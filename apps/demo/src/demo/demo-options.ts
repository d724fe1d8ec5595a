import { Command } from 'commander';
import type { NodeId } from '@quorate/core';
import { discoveries, type DiscoveryName } from '../discoveries.ts';
import type { ElectionName } from '../elections.ts';
import type { MembershipName } from '../memberships.ts';
import { checkElector, checkRegistry, checkSecret, integer, parse, partOptions } from '../node/part-options.ts';
import type { Profile } from '../parts.ts';

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
  /** Of the dashboard; 0 is any free one. */
  readonly port: number;
  /** Undefined: one is started, where the discovery asks one. */
  readonly registry: string | undefined;
  /** Undefined: one is started, where the election asks one. */
  readonly elector: string | undefined;
}

/** Nodes are named by one letter each, and all are to fit on a screen. */
export const MAX_NODES = 15;
/** With fewer, the loss of one leaves no majority to go on. */
const MIN_SCRIPT_NODES = 3;

/**
 * @param argv the arguments alone, without the program
 * @throws CommanderError after telling the user what is wrong, or what `--help` asks for
 */
export function readDemoOptions(argv: readonly string[]): DemoOptions {
  const command = partOptions(new Command('npm run demo --'))
    .description('Starts a message broker of several processes on this machine, to kill and watch heal.')
    .option('--nodes <n>', `how many nodes, 1 to ${MAX_NODES}`, integer(1, MAX_NODES), 3)
    .option('--script', 'unattended: lose the leader in every way, check everything, stop', false)
    .option('--data <dir>', "keeps the nodes' storage in this folder, instead of a temporary one")
    .option('--port <port>', 'of the dashboard; 0 is any free port', integer(0, 65_535), 0);
  const given = parse<DemoOptions>(command, argv);
  const { nodes, script, discovery, registry, election, elector, membership, profile, secret, data, port } = given;
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
  if (secret !== undefined) checkSecret(command, secret);
  return { nodes, script, discovery, registry, election, elector, membership, profile, secret, data, port };
}

/** The names of the first nodes: a, b, c, … */
export function nodeNames(count: number): readonly NodeId[] {
  return 'abcdefghijklmno'.split('').slice(0, count);
}

/** What was chosen, in one line. */
export function titleOf({ nodes, election, discovery, membership, profile, secret }: DemoOptions): string {
  const known = membership === 'connection' ? '' : `, membership ${membership}`;
  const closed = secret === undefined ? '' : ', with a secret';
  return `${nodes} nodes, election ${election}, discovery ${discovery}${known}, profile ${profile}${closed}`;
}
