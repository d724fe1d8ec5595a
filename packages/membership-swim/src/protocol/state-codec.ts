import {
  type Address,
  type ByteReader,
  ByteWriter,
  type ClusterNode,
  invalidOption,
  isAddress,
  isClusterNode,
  isNodeId,
  type MemberState,
} from '@quorate/core';
import type { Evidence, StateOfMember, Version } from './types.ts';
import { compareVersions, MAX_COUNT, versionOf } from './version.ts';

/** The most bytes that a node's description takes in a rumour: it shares a datagram with others. */
export const MAX_NODE_BYTES_IN_GOSSIP = 1024;

const MAX_TEXT_BYTES = MAX_NODE_BYTES_IN_GOSSIP;
const EVIDENCE: readonly Evidence[] = ['silent', 'stalled', 'refused', 'closed'];
const STATES: readonly MemberState[] = ['alive', 'suspect', 'unreachable', 'left'];

// What follows the fields that every node has.
const HAS_ZONE = 1;
const HAS_REGION = 2;
const HAS_WEIGHT = 4;
const HAS_METADATA = 8;
const HAS_ADDRESS = 16;
const HAS_EVIDENCE = 32;
const HAS_DESCRIBED_IN = 64;

/** How many bytes the description of a node takes in a rumour. */
export function nodeBytes(node: ClusterNode): number {
  const writer = new ByteWriter();
  writeNode(writer, node, 0);
  return writer.end;
}

/** @throws ClusterError `INVALID_OPTIONS` when the description of the node takes more than `MAX_NODE_BYTES_IN_GOSSIP` */
export function checkNodeBytes(node: ClusterNode): void {
  const bytes = nodeBytes(node);
  if (bytes <= MAX_NODE_BYTES_IN_GOSSIP) return;
  const expected = `at most ${MAX_NODE_BYTES_IN_GOSSIP} bytes with all that describes the node`;
  throw invalidOption('cluster', 'metadata', expected, bytes);
}

export function writeState(writer: ByteWriter, member: StateOfMember): void {
  const { node, address, evidence, describedIn } = member;
  const isElsewhere = address.host !== node.host || address.port !== node.port;
  const extra =
    (isElsewhere ? HAS_ADDRESS : 0) |
    (evidence === undefined ? 0 : HAS_EVIDENCE) |
    (describedIn === undefined ? 0 : HAS_DESCRIBED_IN);
  writeNode(writer, node, extra);
  writer.u8(STATES.indexOf(member.state));
  writeVersion(writer, { epoch: member.epoch, run: member.incarnation, refutation: member.refutation });
  writer.number(member.joinOrder);
  // Hardly ever on another host, whose name may be long: it isn't written twice.
  if (isElsewhere) writeAddress(writer, address.host === node.host ? { host: '', port: address.port } : address);
  if (evidence !== undefined) writeEvidence(writer, evidence);
  if (describedIn !== undefined) writeVersion(writer, describedIn);
}

export function readState(reader: ByteReader): StateOfMember | undefined {
  const before = reader.left;
  const { node, flags } = readNode(reader);
  const isTooLong = before - reader.left > MAX_NODE_BYTES_IN_GOSSIP;
  const state = STATES[reader.u8()];
  const { epoch, run, refutation } = readVersion(reader);
  const joinOrder = reader.number(MAX_COUNT);
  const { host, port } = flags & HAS_ADDRESS ? readAddress(reader) : node;
  const address = { host: host === '' ? node.host : host, port };
  const evidence = flags & HAS_EVIDENCE ? readEvidence(reader) : undefined;
  const describedIn = flags & HAS_DESCRIBED_IN ? readVersion(reader) : undefined;
  if (isTooLong || state === undefined) return undefined;
  if (!isClusterNode(node) || node.port === 0 || !isAddress(address) || address.port === 0) return undefined;
  const known = { id: node.id, node, address, state, incarnation: run, epoch, refutation, joinOrder };
  const member = evidence === undefined ? known : { ...known, evidence };
  if (describedIn === undefined) return Object.freeze(member);
  const isPossible = state !== 'alive' && compareVersions(describedIn, versionOf(member)) < 0;
  return isPossible ? Object.freeze({ ...member, describedIn }) : undefined;
}

function writeNode(
  writer: ByteWriter,
  { id, host, port, zone, region, weight, metadata }: ClusterNode,
  extra: number,
): void {
  const entries = Object.entries(metadata ?? {});
  writer.u8(
    extra |
      (zone === undefined ? 0 : HAS_ZONE) |
      (region === undefined ? 0 : HAS_REGION) |
      (weight === undefined ? 0 : HAS_WEIGHT) |
      (metadata === undefined ? 0 : HAS_METADATA),
  );
  writer.text(id);
  writeAddress(writer, { host, port });
  if (zone !== undefined) writer.text(zone);
  if (region !== undefined) writer.text(region);
  if (weight !== undefined) writer.float64(weight);
  if (metadata !== undefined) {
    writer.number(entries.length);
    for (const [key, value] of entries) writer.text(key).text(value);
  }
}

function readNode(reader: ByteReader): { readonly node: ClusterNode; readonly flags: number } {
  const flags = reader.u8();
  const id = reader.text('number', MAX_TEXT_BYTES);
  const address = readAddress(reader);
  const zone = flags & HAS_ZONE ? { zone: reader.text('number', MAX_TEXT_BYTES) } : {};
  const region = flags & HAS_REGION ? { region: reader.text('number', MAX_TEXT_BYTES) } : {};
  const weight = flags & HAS_WEIGHT ? { weight: reader.float64() } : {};
  const metadata = flags & HAS_METADATA ? { metadata: readMetadata(reader) } : {};
  return { node: Object.freeze({ id, ...address, ...zone, ...region, ...weight, ...metadata }), flags };
}

function readMetadata(reader: ByteReader): Readonly<Record<string, string>> {
  const count = reader.number();
  const entries: [string, string][] = [];
  // Not bounded by `count` alone: it may be anything, but each takes bytes, and these end.
  for (let at = 0; at < count; at += 1) {
    entries.push([reader.text('number', MAX_TEXT_BYTES), reader.text('number', MAX_TEXT_BYTES)]);
  }
  // From entries: a key named __proto__ stays a key.
  return Object.freeze(Object.fromEntries(entries));
}

export function writeVersion(writer: ByteWriter, { epoch, run, refutation }: Version): void {
  writer.number(epoch).number(run).number(refutation);
}

export function readVersion(reader: ByteReader): Version {
  return { epoch: reader.number(MAX_COUNT), run: reader.number(), refutation: reader.number(MAX_COUNT) };
}

export function writeAddress(writer: ByteWriter, { host, port }: Address): void {
  writer.text(host).number(port);
}

/** To be checked with `isAddress`. */
export function readAddress(reader: ByteReader): Address {
  return { host: reader.text('number', MAX_TEXT_BYTES), port: reader.number() };
}

export function writeEvidence(writer: ByteWriter, evidence: Evidence): void {
  writer.u8(EVIDENCE.indexOf(evidence));
}

/** What a later version knows beside these counts as silence. */
export function readEvidence(reader: ByteReader): Evidence {
  return EVIDENCE[reader.u8()] ?? 'silent';
}

export function readNodeId(reader: ByteReader): string | undefined {
  const id = reader.text('number', MAX_TEXT_BYTES);
  return isNodeId(id) ? id : undefined;
}
