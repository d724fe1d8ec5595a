import { isNodeId, MIN_SECRET_LENGTH, type NodeId, parseAddress } from '@quorate/core';
import { type Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { discoveries, type DiscoveryName } from '../discoveries.ts';
import { type ElectionName, elections } from '../elections.ts';
import { memberships } from '../memberships.ts';
import { namesOf, profiles } from '../parts.ts';

/** The options that choose the parts of a node. */
export function partOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--discovery <name>', 'how nodes find each other').choices(namesOf(discoveries)).default('static'),
    )
    .option('--registry <place>', `what the discovery asks (${placesOf(discoveries)})`)
    .addOption(
      new Option('--election <name>', 'how they elect who tidies up; with raft that is who leads the log')
        .choices(namesOf(elections))
        .default('raft'),
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
      ).env('QUORATE_SECRET'),
    )
    .option('--elector <place>', `what the election asks (${placesOf(elections)})`)
    .addOption(new Option('--profile <name>', 'timings for a kind of network').choices(profiles).default('lan'));
}

/** The forms that `--registry` or `--elector` takes. */
function placesOf(choices: Readonly<Record<string, { readonly place: string | undefined }>>): string {
  const all = Object.entries(choices).filter(([, { place }]) => place !== undefined);
  return all.map(([name, { place }]) => `${name}: ${place}`).join('; ');
}

export function checkRegistry(command: Command, discovery: DiscoveryName): void {
  if (discoveries[discovery].place !== undefined) return;
  command.error(`--discovery ${discovery} asks nobody: leave --registry out`);
}

export function checkElector(command: Command, election: ElectionName): void {
  if (elections[election].place !== undefined) return;
  command.error(`--election ${election} asks nobody: leave --elector out`);
}

/** No parser of the option: what commander says of a value that is refused shows the value. */
export function checkSecret(command: Command, secret: string): void {
  if (secret.length >= MIN_SECRET_LENGTH) return;
  command.error(
    `--secret, or QUORATE_SECRET, is invalid. Expected at least ${MIN_SECRET_LENGTH} characters, got ${secret.length}.`,
  );
}

export function parse<O extends object>(command: Command, argv: readonly string[]): O {
  return command.allowExcessArguments(false).exitOverride().parse(argv, { from: 'user' }).opts<O>();
}

/** How the process is to end after options were refused: help is no failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode;
  throw error;
}

export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/u.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

export function nodeId(text: string): NodeId {
  if (isNodeId(text)) return text;
  throw new InvalidArgumentError('Expected letters, digits, ".", "_" and "-".');
}

export function address(text: string): string {
  try {
    parseAddress(text);
    return text;
  } catch {
    throw new InvalidArgumentError('Expected host:port.');
  }
}

export function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
