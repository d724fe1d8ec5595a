import {
  type Address,
  ClusterError,
  type ClusterNode,
  formatAddress,
  isClusterError,
  type NodeId,
  type Timer,
  toClusterError,
  type TransportContext,
} from '@quorate/core';
import type { Frame, FrameOf } from './frame.ts';
import { CLIENT_PROTOCOL_VERSION, OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from './frame.ts';
import {
  type Introduction,
  introduce,
  objection,
  parseIntroduction,
  parseRefusal,
  type PartyRole,
  type Refusal,
  refusal,
} from './introduction.ts';
import type { Link, LinkReceiver } from './link.ts';
import type { Settings } from './options.ts';
import type { Role } from './peer-proof.ts';
import type { AuthMethod, StreamGuard } from './stream-guard.ts';

/** Who decides whether a peer is connected: the table of peers. */
export interface Gatekeeper {
  readonly context: TransportContext;
  readonly settings: Settings;
  readonly self: ClusterNode;
  /** What this side is. */
  readonly party: PartyRole;
  readonly guard: StreamGuard;
  /** Whether there is a live connection with this very incarnation. */
  isConnected(peer: Introduction): boolean;
  /** Answers, perhaps later, with what speaks against a peer of this id and incarnation. */
  challenge(peer: Introduction, answer: (refused: Refusal | undefined) => void): void;
  /** A dialler's last question: may this be the one connection with the peer? */
  claim(peer: Introduction): Refusal | undefined;
  /** An incoming handshake has sent its `WELCOME`. */
  welcomed(handshake: Handshake, peer: Introduction): void;
  /** An acceptor's last question: is there still a place for this peer? */
  admit(peer: Introduction): Refusal | undefined;
  /** The handshake succeeded: the link is the table's. */
  establish(established: Established): void;
}

/** What a handshake has come to. */
export interface Established {
  readonly link: Link;
  readonly peer: Introduction;
  /** The cluster id that the peer was told. */
  readonly toldId: string | undefined;
  /** How this node described itself to the peer. */
  readonly toldNode: ClusterNode;
  /** Of this side. */
  readonly role: Role;
}

export type HandshakeResult =
  | { readonly type: 'established'; readonly peer: Introduction }
  /** Refused by either side. `peer` is there when it had said who it is. */
  | { readonly type: 'refused'; readonly refusal: Refusal; readonly peer: Introduction | undefined }
  | { readonly type: 'failed'; readonly error: ClusterError };

type Step =
  /** The acceptor, from the beginning. */
  | 'hello'
  /** The dialler, when it has sent `HELLO`. */
  | 'welcome'
  /** The acceptor, when it has sent `WELCOME`. */
  | 'ready'
  /** Waiting for this side's own decision. */
  | 'deciding'
  | 'over';

/** One handshake, of either role; see "Handshake" in docs/wire-protocol.md. Nothing else is parsed before it is over. */
export class Handshake implements LinkReceiver {
  readonly link: Link;
  readonly #gate: Gatekeeper;
  readonly #remote: Address;
  readonly #done: (result: HandshakeResult) => void;
  readonly #timer: Timer;
  #step: Step = 'hello';
  #peer: Introduction | undefined;
  #toldId: string | undefined;
  #toldNode: ClusterNode;
  #role: Role = 'acceptor';

  /** @param done called once */
  constructor(gate: Gatekeeper, link: Link, remote: Address, done: (result: HandshakeResult) => void) {
    this.#gate = gate;
    this.link = link;
    this.#remote = remote;
    this.#done = done;
    this.#toldNode = gate.self;
    link.receiver = this;
    const { handshakeTimeoutMs } = gate.settings;
    this.#timer = gate.context.clock.setTimer(handshakeTimeoutMs, () => this.#timedOut(handshakeTimeoutMs));
  }

  /** Called once the link has its socket, by the side that dialled. */
  greet(): void {
    if (this.#step !== 'hello') return;
    this.#step = 'welcome';
    this.#role = 'dialler';
    const versions = { minVersion: oldestVersion(this.#gate.party), maxVersion: PROTOCOL_VERSION };
    this.link.send({ type: 'HELLO', ...versions, intro: this.#introduce(false) });
  }

  /** Whether the peer has been welcomed and its `READY` may be on the way. */
  get welcoming(): boolean {
    return this.#step === 'ready';
  }

  get peer(): Introduction | undefined {
    return this.#peer;
  }

  refuse(refused: Refusal): void {
    if (!this.#finish({ type: 'refused', refusal: refused, peer: this.#peer })) return;
    this.link.close({ type: 'REFUSE', maxVersion: PROTOCOL_VERSION, detail: refused });
  }

  /** Ends it without a word. */
  drop(error: ClusterError): void {
    if (this.#finish({ type: 'failed', error })) this.link.destroy();
  }

  frame(frame: Frame): void {
    if (frame.type === 'REFUSE') this.#refused(frame);
    else if (frame.type === 'HELLO' && this.#step === 'hello') this.#hello(frame);
    else if (frame.type === 'WELCOME' && this.#step === 'welcome') this.#welcome(frame);
    else if (frame.type === 'READY' && this.#step === 'ready') this.#ready();
    else this.violated(new ClusterError('PROTOCOL', `${frame.type} out of place in the handshake`));
  }

  violated(error: ClusterError): void {
    this.refuse(refusal('protocol', error.message));
  }

  drained(): void {
    // Nothing waits for room.
  }

  lost(error?: Error): void {
    if (isClusterError(error, 'PROTOCOL')) {
      const message = `the handshake with ${formatAddress(this.#remote)} came to nothing: ${error.message}`;
      this.#finish({ type: 'failed', error: new ClusterError('PROTOCOL', message, { cause: error }) });
      return;
    }
    const what = `${formatAddress(this.#remote)} closed the connection during the handshake`;
    const guess = this.#step === 'welcome' ? SILENCE[this.#gate.guard.method] : undefined;
    if (guess !== undefined) {
      const message = `${what} without a word: ${guess}`;
      this.#finish({ type: 'failed', error: new ClusterError('REFUSED', message, { cause: error }) });
      return;
    }
    this.#finish({
      type: 'failed',
      error: error === undefined ? new ClusterError('DISCONNECTED', what) : toClusterError(error, 'DISCONNECTED', what),
    });
  }

  #hello({ minVersion, maxVersion, intro }: FrameOf<'HELLO'>): void {
    if (minVersion > PROTOCOL_VERSION || maxVersion < OLDEST_PROTOCOL_VERSION) {
      this.refuse(refusal('version', versionMessage(minVersion, maxVersion)));
      return;
    }
    const version = Math.min(maxVersion, PROTOCOL_VERSION);
    this.#consider(intro, (peer) => {
      this.#step = 'ready';
      const connected = this.#gate.isConnected(peer);
      this.#gate.welcomed(this, peer);
      this.link.send({ type: 'WELCOME', version, intro: this.#introduce(connected) });
    });
  }

  #welcome({ version, intro }: FrameOf<'WELCOME'>): void {
    if (version < oldestVersion(this.#gate.party) || version > PROTOCOL_VERSION) {
      this.refuse(refusal('version', versionMessage(version, version)));
      return;
    }
    this.#consider(intro, (peer) => {
      const refused = this.#gate.claim(peer);
      if (refused !== undefined) {
        this.refuse(refused);
        return;
      }
      this.link.send({ type: 'READY' });
      this.#establish(peer);
    });
  }

  #ready(): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    // The node may have learned its cluster's id since it said WELCOME.
    const refused = this.#objection(peer) ?? this.#gate.admit(peer);
    if (refused === undefined) this.#establish(peer);
    else this.refuse(refused);
  }

  /** Checks who the peer is; goes on, perhaps later, when nothing speaks against it. */
  #consider(intro: unknown, proceed: (peer: Introduction) => void): void {
    const peer = this.#parse(intro);
    if (peer === undefined) return;
    this.#peer = peer;
    const refused = this.#objection(peer);
    if (refused !== undefined) {
      this.refuse(refused);
      return;
    }
    this.#step = 'deciding';
    this.#gate.challenge(peer, (challenged) => {
      if (this.#step !== 'deciding') return;
      if (challenged === undefined) proceed(peer);
      else this.refuse(challenged);
    });
  }

  #objection(peer: Introduction): Refusal | undefined {
    const { context, guard, party, self, settings } = this.#gate;
    const { id } = peer.node;
    if (peer.role === 'client' && this.#role === 'dialler') {
      return refusal('protocol', `${id}, which was dialled, says that it is a client`);
    }
    const refused = objection(context, self.id, party, peer, guard.method);
    if (refused !== undefined) return refused;
    const shown = guard.objection(id, this.link.secured);
    if (shown !== undefined) return refusal('authentication', shown);
    return isAllowed(settings, id) ? undefined : refusal('not-allowed', `${self.id} is not to be connected with ${id}`);
  }

  #parse(intro: unknown): Introduction | undefined {
    try {
      return parseIntroduction(intro);
    } catch (error) {
      this.violated(toClusterError(error, 'PROTOCOL', 'the handshake could not be read'));
      return undefined;
    }
  }

  #refused({ detail }: FrameOf<'REFUSE'>): void {
    if (this.#finish({ type: 'refused', refusal: parseRefusal(detail), peer: this.#peer })) this.link.destroy();
  }

  #establish(peer: Introduction): void {
    if (!this.#finish({ type: 'established', peer })) return;
    const told = { toldId: this.#toldId, toldNode: this.#toldNode };
    this.#gate.establish({ link: this.link, peer, ...told, role: this.#role });
  }

  #timedOut(afterMs: number): void {
    this.drop(new ClusterError('TIMEOUT', `no handshake with ${formatAddress(this.#remote)} within ${afterMs} ms`));
  }

  #finish(result: HandshakeResult): boolean {
    if (this.#step === 'over') return false;
    this.#step = 'over';
    this.#timer.cancel();
    this.#done(result);
    return true;
  }

  #introduce(connected: boolean): object {
    const { context, settings, self, party: role, guard } = this.#gate;
    this.#toldId = context.cluster.id;
    this.#toldNode = self;
    return introduce(context, self, settings.maxFrameBytes, guard.method, { connected, role });
  }
}

/**
 * What a dialler makes of a peer that answers `HELLO` by closing. In TLS 1.3 who dials is done before the other has judged its
 * certificate, and neither Node.js nor what expects TLS and gets none says anything then.
 */
const SILENCE: Readonly<Record<AuthMethod, string | undefined>> = {
  certificate: "it does not accept this node's certificate, or has just ended",
  none: 'it wants a secret or a certificate of this node, which has none, or has just ended',
  'shared-key': undefined,
};

function oldestVersion(party: PartyRole): number {
  return party === 'client' ? CLIENT_PROTOCOL_VERSION : OLDEST_PROTOCOL_VERSION;
}

/** A question that fails is no consent. */
function isAllowed({ allow }: Settings, id: NodeId): boolean {
  try {
    return allow(id);
  } catch {
    return false;
  }
}

function versionMessage(min: number, max: number): string {
  const theirs = min === max ? `${min}` : `${min} to ${max}`;
  return `no common version of the protocol: ${OLDEST_PROTOCOL_VERSION} to ${PROTOCOL_VERSION} here, ${theirs} there`;
}
