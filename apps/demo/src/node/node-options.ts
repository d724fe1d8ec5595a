import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, isLoopback, type LogSink, type NodeId, parseAddress } from '@quorate/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseRoutes, type Routes } from '../relay/relayed-net.ts';
import {
  address,
  checkElector,
  checkRegistry,
  checkSecret,
  integer,
  list,
  nodeId,
  parse,
  partOptions,
} from './part-options.ts';
import type { NodeSettings } from './run-node.ts';

export interface NodeOptions extends NodeSettings {
  /** What it sends to other nodes goes through a relay, which the demo's supervisor has. */
  readonly relay: Routes | undefined;
  /** Where it shows itself in a browser. */
  readonly dashboard: Address | undefined;
}

interface RawNodeOptions extends Omit<NodeOptions, 'bind' | 'voters' | 'peers' | 'http' | 'dashboard'> {
  readonly dashboard: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly http: string;
  readonly httpOpen: boolean;
  readonly httpToken: string | undefined;
  readonly peers: readonly string[];
  readonly voters: readonly string[] | undefined;
}

const MIN_TOKEN_LENGTH = 16;

/**
 * @param argv the arguments alone, without the program
 * @throws CommanderError after telling the user what is wrong, or what `--help` asks for
 */
export function readNodeOptions(argv: readonly string[]): NodeOptions {
  const command = nodeCommand();
  const { host, port, http, httpOpen, httpToken, dashboard, ...raw } = parse<RawNodeOptions>(command, argv);
  if (raw.registry !== undefined) checkRegistry(command, raw.discovery);
  if (raw.elector !== undefined) checkElector(command, raw.election);
  if (raw.secret !== undefined) checkSecret(command, raw.secret);
  if (httpToken !== undefined) checkToken(command, httpToken);
  const served = parseAddress(http);
  if (!isLoopback(served.host) && httpToken === undefined && !httpOpen) {
    command.error(
      `--http ${http} lets others in, and asks for no token: set QUORATE_HTTP_TOKEN, or say --http-open where ` +
        'something else keeps strangers out',
    );
  }
  return {
    ...raw,
    registry: raw.registry,
    elector: raw.elector,
    secret: raw.secret,
    advertise: raw.advertise,
    debug: raw.debug,
    relay: raw.relay,
    dashboard: dashboard === undefined ? undefined : parseAddress(dashboard),
    bind: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    voters: raw.voters ?? votersFrom(command, raw.id, raw.peers),
    http: { ...served, token: httpToken },
  };
}

function nodeCommand(): Command {
  return partOptions(new Command('npm run node --'))
    .description('Runs one node of a replicated message broker in this terminal.')
    .requiredOption('--id <id>', 'its name, the same at every start', nodeId)
    .option('--host <host>', 'where it listens for other nodes', '127.0.0.1')
    .option('--port <port>', 'where it listens for other nodes; 0 is any free port', integer(0, 65_535), 0)
    .option('--advertise <host:port>', 'where other nodes reach it, if that differs', address)
    .option('--peers <list>', 'other nodes: id@host:port or host:port, separated by commas', list, [])
    .option('--voters <ids>', 'all that vote, the same on every node (default: this node and the ids of --peers)', list)
    .option('--cluster <name>', 'nodes of another cluster are refused', 'demo')
    .option('--data <dir>', 'its storage goes into a folder below', join(tmpdir(), 'quorate-demo'))
    .option('--insecure', 'listen for nodes on other addresses than loopback, though nothing is authenticated', false)
    .option('--http <host:port>', 'where it serves clients; port 0 is any free port', address, '127.0.0.1:0')
    .option('--dashboard <host:port>', 'where it shows itself, and its cluster as it sees it, in a browser', address)
    .option('--http-open', 'serve clients on other addresses than loopback, though no token is asked for', false)
    .addOption(
      new Option(
        '--http-token <text>',
        'what clients say as bearer token; of the environment, others can not see it',
      ).env('QUORATE_HTTP_TOKEN'),
    )
    .addOption(new Option('--relay <routes>', 'of the supervisor of the demo').argParser(routes).hideHelp())
    .addOption(logLevelOption())
    .option('--debug <scopes>', 'details of parts, such as wire,election');
}

/** No parser of the option: what commander says of a value that is refused shows the value. */
function checkToken(command: Command, token: string): void {
  if (token.length >= MIN_TOKEN_LENGTH && /^[\x21-\x7e]+$/u.test(token)) return;
  command.error(
    `--http-token, or QUORATE_HTTP_TOKEN, is invalid. Expected at least ${MIN_TOKEN_LENGTH} characters of ASCII, none of ` +
      'them a space.',
  );
}

function routes(text: string): Routes {
  try {
    return parseRoutes(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function logLevelOption(): Option {
  const levels: readonly LogSink[] = ['silent', 'error', 'warn', 'info', 'debug'];
  return new Option('--log-level <level>', 'what the parts log').choices(levels).default('warn');
}

function votersFrom(command: Command, id: NodeId, peers: readonly string[]): readonly NodeId[] {
  const ids = peers.map((peer) => peer.split('@', 2)).map(([first, rest]) => (rest === undefined ? undefined : first));
  if (ids.includes(undefined)) command.error('--voters is needed, because a peer was given without its id');
  return [...new Set([id, ...ids.filter((peer) => peer !== undefined)])];
}
