import {
  type Capability,
  ClusterError,
  type ClusterPlan,
  type Plugin,
  type PluginKind,
  type StateMachine,
} from '@quorate/core';
import type { GroupChoice } from './group-options.ts';
import type { SnapshotPolicySettings } from './snapshots/snapshot-policy.ts';
import type { SnapshotTransferOptions } from './snapshots/transfer-options.ts';

/** What an adapter wants of a group: the same settings as every other that wants it, and perhaps to be its machine. */
export interface GroupUse<C, R, Q, A> {
  /** Whose options they are, for messages: `raftElection`. */
  readonly owner: string;
  /**
   * Which group of the node.
   * @default the cluster's
   */
  readonly group?: number;
  readonly settings: GroupChoice;
  /** What `maxClockDrift` is where no user of the group names one. */
  readonly defaultMaxClockDrift?: number;
  /** Makes a fresh state machine. At most one user of a group has one. */
  readonly machine?: () => StateMachine<C, R, Q, A>;
  /**
   * When that machine's state is captured. Each node may have its own.
   * @default those of `SnapshotPolicyOptions`
   */
  readonly snapshots?: SnapshotPolicySettings;
  /**
   * How snapshots go from and to this node: the same in every use of any group there, as far as they are given. Checked
   * by whoever gives them, with `snapshotTransferRules`.
   * @default those of `SnapshotTransferOptions`
   */
  readonly transfer?: SnapshotTransferOptions;
}

/** As far as uses have to agree with each other. */
export type AnyGroupUse = Pick<
  GroupUse<never, never, never, never>,
  'owner' | 'group' | 'settings' | 'defaultMaxClockDrift' | 'snapshots' | 'transfer'
> & {
  readonly machine?: unknown;
};

/**
 * What a group is made with that all of these use. What one leaves open, another may say.
 * @throws ClusterError `INVALID_OPTIONS`, naming the option in which two contradict each other
 */
export function agreedSettings<S extends GroupChoice>(uses: readonly (AnyGroupUse & { readonly settings: S })[]): S {
  const [first, ...others] = uses;
  if (first === undefined) throw new ClusterError('INVALID_OPTIONS', 'a Raft group has to be used by something');
  for (const [at, use] of others.entries()) for (const earlier of uses.slice(0, at + 1)) compare(earlier, use);
  const maxClockDrift =
    uses.find(({ settings }) => settings.maxClockDrift !== undefined)?.settings.maxClockDrift ??
    uses.find(({ defaultMaxClockDrift }) => defaultMaxClockDrift !== undefined)?.defaultMaxClockDrift;
  const priorities = uses.find(({ settings }) => settings.priorities !== undefined)?.settings.priorities;
  return { ...first.settings, maxClockDrift, priorities };
}

function compare(one: AnyGroupUse, other: AnyGroupUse): void {
  const both = `${one.owner} and ${other.owner} share a Raft group`;
  if (one.machine !== undefined && other.machine !== undefined) {
    throw new ClusterError('INVALID_OPTIONS', `${both}, and it can have just one machine: both bring theirs`);
  }
  refuseContradiction(both, optionsOf(one.settings), optionsOf(other.settings));
}

/**
 * How snapshots go from and to a node on which there are all of these uses, as far as they say.
 * @throws ClusterError `INVALID_OPTIONS`, naming the option in which two contradict each other
 */
export function agreedTransfer(uses: readonly TransferUse[]): SnapshotTransferOptions {
  let agreed: SnapshotTransferOptions = {};
  for (const [at, use] of uses.entries()) {
    for (const earlier of uses.slice(0, at)) {
      const both = `${earlier.owner} and ${use.owner} share how their node sends snapshots`;
      refuseContradiction(both, transferOf(earlier), transferOf(use));
    }
    agreed = { ...agreed, ...use.transfer };
  }
  return agreed;
}

/** As far as it concerns all groups of a node. */
export type TransferUse = Pick<AnyGroupUse, 'owner' | 'transfer'>;

function refuseContradiction(
  both: string,
  ours: ReadonlyMap<string, unknown>,
  theirs: ReadonlyMap<string, unknown>,
): void {
  for (const [name, value] of ours) {
    const other = theirs.get(name);
    const [here, there] = [shown(value), shown(other)];
    if (here === there || value === undefined || other === undefined) continue;
    throw new ClusterError('INVALID_OPTIONS', `${both}, and must be given the same ${name}: got ${here} and ${there}`);
  }
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function transferOf({ transfer = {} }: TransferUse): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(transfer).map(([name, value]) => [`snapshotTransfer.${name}`, value]));
}

/** Each as its user names it. */
function optionsOf({ voters, timings, maxClockDrift, priorities }: GroupChoice): ReadonlyMap<string, unknown> {
  const single = Object.entries(timings).map(([name, value]): [string, unknown] => [`timings.${name}`, value]);
  return new Map([['voters', voters], ...single, ['maxClockDrift', maxClockDrift], ['priorities', priorities]]);
}

/** Where a plugin says which use its part will make of the cluster's group: found in copies of the plugin, too. */
const USE: unique symbol = Symbol.for('@quorate/raft-host/GroupUse');

/**
 * The plugin, so that a cluster in which another contradicts it about the group is refused when it is built, and one that
 * nothing forms where the group is of its founders.
 */
export function withGroupUse<T, K extends PluginKind>(plugin: Plugin<T, K>, use: AnyGroupUse): Plugin<T, K> {
  const check = (plan: ClusterPlan): void => {
    const uses = plan.parts.flatMap((part) => usesOf(part));
    agreedSettings(uses.filter(({ group }) => group === use.group));
    agreedTransfer(uses);
    plugin.check?.(plan);
  };
  const requires: readonly Capability[] =
    use.settings.voters === 'founders' ? [...plugin.requires, 'formation'] : plugin.requires;
  return Object.assign({ ...plugin, requires, check }, { [USE]: use });
}

function usesOf(plugin: object): readonly AnyGroupUse[] {
  return USE in plugin ? [plugin[USE] as AnyGroupUse] : [];
}
