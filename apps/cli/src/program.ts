import { ClusterError, isClusterError, isNodeId, type NodeId } from '@quorate/core';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { benchLive } from './bench/live.ts';
import { benchLocal } from './bench/local.ts';
import { exitCode, Failure, toFailure } from './failure.ts';
import { forceCluster } from './offline/force.ts';
import { inspectLog, verifyLogs } from './offline/log.ts';
import { inspectSnapshot, restoreSnapshot, saveSnapshot } from './offline/snapshot.ts';
import { add, leave, remove, transfer } from './online/changes.ts';
import { connect, type Connection, type ConnectionChoice } from './online/connection.ts';
import { events } from './online/events.ts';
import { leader, members, status } from './online/status.ts';
import { Output, type Terminal } from './output.ts';

/** What a run of the command line gets from its process. */
export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: Terminal['stdout'];
  readonly stderr: Terminal['stderr'];
  /** Ends what goes on until it is told to. */
  readonly signal: AbortSignal;
}

type Form = { readonly json?: boolean; readonly table?: boolean };
type Online = Form & ConnectionChoice;

const DEFAULT_CONNECT = '127.0.0.1:7001';

/** Runs one command; resolves to what the process is to end with. */
export async function run(surroundings: Surroundings): Promise<number> {
  const { argv, stdout, stderr, signal } = surroundings;
  const program = commands(surroundings);
  program.exitOverride().configureOutput({
    writeOut: (text) => void stdout.write(text),
    writeErr: (text) => void stderr.write(text),
    outputError: (text, write) =>
      write(
        `${text
          .replace(/^error: /u, 'quorate: ')
          .trim()
          .replaceAll(/\s*\n\s*/gu, ' ')}; see quorate --help\n`,
      ),
  });
  for (const command of allOf(program)) command.exitOverride().copyInheritedSettings(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode.OK;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.OK : exitCode.USAGE;
    const failure = signal.aborted ? interrupted(error) : toFailure(error);
    stderr.write(`quorate: ${failure.message.replaceAll(/\s*\n\s*/gu, ' ')}\n`);
    return failure.exitCode;
  }
}

/** What fails then fails because of that, unless it says more. */
function interrupted(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(exitCode.INTERRUPTED, 'interrupted', { cause: error });
}

function commands(surroundings: Surroundings): Command {
  const program = new Command('quorate').description('Operates a cluster of Quorate.').helpCommand(false);
  addQuestions(program, surroundings);
  addChanges(program, surroundings);
  addSnapshot(
    program.command('snapshot').description('saves, restores and inspects the replicated state'),
    surroundings,
  );
  addLog(program.command('log').description('looks at the log of a node that does not run'), surroundings);
  addForce(program, surroundings);
  addBench(program, surroundings);
  return program;
}

function addQuestions(program: Command, surroundings: Surroundings): void {
  online(program.command('status'), surroundings, (_, connection, output) => status(connection, output)).description(
    'how each node is: role, term, indices, problems',
  );
  online(program.command('members'), surroundings, (_, connection, output) => members(connection, output)).description(
    'who is there, and who votes',
  );
  online(program.command('leader'), surroundings, (_, connection, output) => leader(connection, output)).description(
    'who leads',
  );
  online<{ readonly follow: boolean; readonly on?: NodeId; readonly tail?: number }>(
    program.command('events'),
    surroundings,
    (choice, connection, output) => events(choice, connection, output, surroundings.signal),
  )
    .description('what a node has seen')
    .option('-f, --follow', 'goes on until it is interrupted', false)
    .option('--tail <n>', 'the newest of those that are kept', integer(0))
    .option('--on <node>', 'as this node has seen it', nodeId);
}

function addChanges(program: Command, surroundings: Surroundings): void {
  const change = (work: () => Promise<void>) =>
    work().catch((error: unknown) => Promise.reject(toFailure(error, true)));
  online(
    program.command('transfer').argument('<node>', 'who is to lead', nodeId),
    surroundings,
    (_, connection, output, node) => change(() => transfer(node, connection, output)),
  ).description('has the leader hand over to a node');
  online<{ readonly as: 'voter' | 'learner' }>(
    program.command('add').argument('<node>', 'a node that runs', nodeId),
    surroundings,
    ({ as }, connection, output, node) => change(() => add(node, as, connection, output)),
  )
    .description('takes a node into the Raft group')
    .addOption(new Option('--as <role>', 'whether it votes').choices(['voter', 'learner']).default('voter'));
  online(
    program.command('remove').argument('<node>', 'a member', nodeId),
    surroundings,
    (_, connection, output, node) => change(() => remove(node, connection, output)),
  ).description('takes a node out of the Raft group, for good');
  online<{ readonly wait: boolean }>(
    program.command('leave').argument('<node>', 'which is to end', nodeId),
    surroundings,
    ({ wait }, connection, output, node) => change(() => leave(node, wait, connection, output)),
  )
    .description('has the program of a node end gracefully; it stays a member of the Raft group')
    .option('--no-wait', 'does not wait until it has gone');
}

function addSnapshot(snapshot: Command, surroundings: Surroundings): void {
  online<{ readonly on?: NodeId; readonly local: boolean; readonly force: boolean }>(
    snapshot.command('save').argument('<file>', 'where to'),
    surroundings,
    (choice, connection, output, file) => saveSnapshot({ ...choice, file }, connection, output, surroundings.signal),
  )
    .description('writes the state of a cluster that runs into a file')
    .option('--on <node>', 'from this node', nodeId)
    .option(
      '--local',
      'what the node has, without asking the leader: works without a quorum, may lack the newest',
      false,
    )
    .option('--force', 'replaces the file', false);
  form(snapshot.command('restore').argument('<file>', 'a snapshot that was saved'))
    .description("makes a group of one member, with a snapshot's state, in the folder of a node that does not run")
    .requiredOption('--data <folder>', 'the storage of the node')
    .requiredOption('--node <id>', 'whose it is', nodeId)
    .option('--group <number>', 'the group', integer(0))
    .action((file: string, choice: Form & { data: string; node: NodeId; group?: number }) =>
      restoreSnapshot({ ...choice, file }, outputOf(choice, surroundings)),
    );
  form(snapshot.command('inspect').argument('<file>', 'a snapshot that was saved'))
    .description('reads all of a snapshot, and says what it is of')
    .action((file: string, choice: Form) => inspectSnapshot(file, outputOf(choice, surroundings)));
}

function addLog(log: Command, surroundings: Surroundings): void {
  form(log.command('inspect'))
    .description('what a node has of a group, and who is a member by it')
    .requiredOption('--data <folder>', 'the storage of the node')
    .option('--node <id>', 'whose it is, where that is not stored there', nodeId)
    .option('--group <number>', 'the group', integer(0))
    .action((choice: Form & { data: string; node?: NodeId; group?: number }) =>
      inspectLog(choice, outputOf(choice, surroundings)),
    );
  form(log.command('verify'))
    .description('reads all entries and snapshots, and holds them against their checksums')
    .requiredOption('--data <folder>', 'the storage of the node')
    .action((choice: Form & { data: string }) => verifyLogs(choice.data, outputOf(choice, surroundings)));
}

function addForce(program: Command, surroundings: Surroundings): void {
  form(program.command('force-new-cluster'))
    .description('makes a group of one member, with what a node has, when the quorum is lost for good')
    .requiredOption('--data <folder>', 'the storage of the node, which does not run')
    .option('--node <id>', 'whose it is, where that is not stored there', nodeId)
    .option('--group <number>', 'the group', integer(0))
    .action((choice: Form & { data: string; node?: NodeId; group?: number }) =>
      forceCluster(choice, outputOf(choice, surroundings)),
    );
}

interface BenchChoice extends Omit<Online, 'connect'> {
  readonly connect?: string;
  readonly data?: string;
  readonly seconds: number;
}

function addBench(program: Command, surroundings: Surroundings): void {
  connecting(form(program.command('bench')), undefined)
    .description('whether a disk (--data) or the ways of a live cluster (--connect) are fit')
    .option('--data <folder>', 'on which three processes replicate for a while')
    .option('--seconds <n>', 'how long each measurement takes', seconds, 3)
    .action(async (choice: BenchChoice) => {
      const { connect: addresses, data } = choice;
      if ((addresses === undefined) === (data === undefined)) {
        throw new Failure(exitCode.USAGE, 'bench: give either --data, for a disk, or --connect, for a live cluster');
      }
      const output = outputOf(choice, surroundings);
      if (data !== undefined) return await benchLocal(data, choice.seconds * 1000, output, surroundings.signal);
      await using connection = await connect({ ...choice, connect: addresses ?? '' }, surroundings.env);
      return await benchLive(connection, choice.seconds * 1000, output);
    });
}

/** A command that asks a cluster that runs. `work` gets the argument, where the command has one. */
function online<O extends object = object>(
  command: Command,
  surroundings: Surroundings,
  work: (choice: O & Online, connection: Connection, output: Output, argument: string) => Promise<void>,
): Command {
  return connecting(form(command), DEFAULT_CONNECT).action(async (...given: unknown[]) => {
    const argument = command.registeredArguments.length > 0 ? String(given[0]) : '';
    const choice: O & Online = command.opts();
    await using connection = await connect(choice, surroundings.env);
    try {
      await work(choice, connection, outputOf(choice, surroundings), argument);
    } catch (error) {
      throw await becauseNobodyLeads(error, connection);
    }
  });
}

/** What takes too long while no leader is known takes too long because of that. */
async function becauseNobodyLeads(failed: unknown, { client, node }: Connection): Promise<unknown> {
  if (!isClusterError(failed, 'TIMEOUT') || (await knowsLeader(node))) return failed;
  return new ClusterError('QUORUM_LOST', `${client.node.id} knows no leader: ${failed.message}`, { cause: failed });
}

async function knowsLeader(node: Connection['node']): Promise<boolean> {
  try {
    const { elected, replicating } = await node.leader({ timeoutMs: LEADER_MS });
    return elected !== undefined || replicating !== undefined;
  } catch {
    // Nobody can tell, and what is known already is told.
    return true;
  }
}

const LEADER_MS = 1000;

function connecting(command: Command, connectTo: string | undefined): Command {
  return command
    .option(
      '--connect <addresses>',
      'nodes to ask, as host:port, separated by commas: the first that answers',
      connectTo,
    )
    .option('--cluster <name>', 'the name of the cluster (default: QUORATE_CLUSTER_NAME, or "default")')
    .option('--id <id>', 'how this client calls itself (default: as the certificate says, or quorate-HOST)', nodeId)
    .option('--secret-file <file>', "the cluster's secret (default: QUORATE_SECRET)")
    .option('--cert <file>', 'a certificate of this client, in place of a secret')
    .option('--key <file>', 'its private key')
    .option('--ca <file>', 'the authorities that are trusted')
    .option('--timeout <ms>', 'how long an answer may take, in milliseconds', integer(1), 10_000);
}

function form(command: Command): Command {
  return command
    .addOption(new Option('--json', 'JSON, as it is where the output is no terminal').conflicts('table'))
    .option('--table', 'for people, as it is on a terminal');
}

function outputOf({ json, table }: Form, { stdout, stderr }: Surroundings): Output {
  const chosen = json === true ? true : table === true ? false : undefined;
  return new Output(chosen === undefined ? { stdout, stderr } : { stdout, stderr, json: chosen });
}

function allOf(command: Command): readonly Command[] {
  return command.commands.flatMap((each) => [each, ...allOf(each)]);
}

function nodeId(text: string): NodeId {
  if (isNodeId(text)) return text;
  throw new InvalidArgumentError('Expected the id of a node.');
}

function integer(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min) return value;
    throw new InvalidArgumentError(`Expected an integer from ${min}.`);
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('Expected seconds, at most 3600.');
}
