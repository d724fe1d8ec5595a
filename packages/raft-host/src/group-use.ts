import { ClusterError, type ClusterPlan, type Plugin, type PluginKind, type StateMachine } from '@quorate/core';
import type { GroupSettings } from './group-options.ts';
import type { SnapshotPolicySettings } from './snapshots/snapshot-policy.ts';

/** What an adapter wants of a group: the same settings as every other that wants it, and perhaps to be its machine. */
export interface GroupUse<C, R, Q, A> {
  /** Whose options they are, for messages: `raftElection`. */
  readonly owner: string;
  readonly settings: GroupSettings;
  /** What `maxClockDrift` is where no user of the group names one. */
  readonly defaultMaxClockDrift?: number;
  /** Makes a fresh state machine. At most one user of a group has one. */
  readonly machine?: () => StateMachine<C, R, Q, A>;
  /**
   * When that machine's state is captured. Each node may have its own.
   * @default those of `SnapshotPolicyOptions`
   */
  readonly snapshots?: SnapshotPolicySettings;
}

/** As far as uses have to agree with each other. */
export type AnyGroupUse = Pick<
  GroupUse<never, never, never, never>,
  'owner' | 'settings' | 'defaultMaxClockDrift' | 'snapshots'
> & {
  readonly machine?: unknown;
};

/**
 * What a group is made with that all of these use. What one leaves open, another may say.
 * @throws ClusterError `INVALID_OPTIONS`, naming the option in which two contradict each other
 */
export function agreedSettings(uses: readonly AnyGroupUse[]): GroupSettings {
  const [first, ...others] = uses;
  if (first === undefined) throw new ClusterError('INVALID_OPTIONS', 'a Raft group has to be used by something');
  for (const [at, use] of others.entries()) for (const earlier of uses.slice(0, at + 1)) compare(earlier, use);
  const maxClockDrift =
    uses.find(({ settings }) => settings.maxClockDrift !== undefined)?.settings.maxClockDrift ??
    uses.find(({ defaultMaxClockDrift }) => defaultMaxClockDrift !== undefined)?.defaultMaxClockDrift;
  return { ...first.settings, maxClockDrift };
}

function compare(one: AnyGroupUse, other: AnyGroupUse): void {
  const both = `${one.owner} and ${other.owner} share a Raft group`;
  if (one.machine !== undefined && other.machine !== undefined) {
    throw new ClusterError('INVALID_OPTIONS', `${both}, and it can have just one machine: both bring theirs`);
  }
  const theirs = optionsOf(other.settings);
  for (const [name, value] of optionsOf(one.settings)) {
    const [here, there] = [JSON.stringify(value), JSON.stringify(theirs.get(name))];
    if (here === there || here === undefined || there === undefined) continue;
    throw new ClusterError('INVALID_OPTIONS', `${both}, and must be given the same ${name}: got ${here} and ${there}`);
  }
}

/** Each as its user names it. */
function optionsOf({ voters, timings, maxClockDrift }: GroupSettings): ReadonlyMap<string, unknown> {
  const single = Object.entries(timings).map(([name, value]): [string, unknown] => [`timings.${name}`, value]);
  return new Map([['voters', voters], ...single, ['maxClockDrift', maxClockDrift]]);
}

/** Where a plugin says which use its part will make of the cluster's group: found in copies of the plugin, too. */
const USE: unique symbol = Symbol.for('@quorate/raft-host/GroupUse');

/** The plugin, so that a cluster in which another contradicts it about the group is refused when it is built. */
export function withGroupUse<T, K extends PluginKind>(plugin: Plugin<T, K>, use: AnyGroupUse): Plugin<T, K> {
  const check = (plan: ClusterPlan): void => {
    agreedSettings(plan.parts.flatMap((part) => usesOf(part)));
    plugin.check?.(plan);
  };
  return Object.assign({ ...plugin, check }, { [USE]: use });
}

function usesOf(plugin: object): readonly AnyGroupUse[] {
  return USE in plugin ? [plugin[USE] as AnyGroupUse] : [];
}
