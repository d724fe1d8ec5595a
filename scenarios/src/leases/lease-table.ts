import type { LeaseIdentity, LeaseShare } from '@quorate/lease';

/** Who wants a lease or has it, in the order in which they came. */
interface Claim {
  readonly id: string;
  readonly nodeId: string;
  readonly share: LeaseShare;
  readonly ttlMs: number;
  /** When it was heard of last. */
  seenAt: number;
  /** Once it holds the lease. */
  token: number | undefined;
}

interface Lease {
  readonly claims: Claim[];
  /** Until then somebody whose claim was taken away may still believe in it. */
  freeFrom: number;
}

export interface TableView {
  readonly revision: number;
  readonly holder?: { readonly nodeId: string; readonly token: number } | undefined;
}

export interface Acquired {
  readonly token: number;
  /** How long it may not be used yet. */
  readonly waitMs: number;
}

/** How often one that waits says that it is still there, in parts of its ttl. */
const WAITING_PART = 1 / 3;

/** What an engine of leases keeps, by its own clock. It outlives the processes that serve it. */
export class LeaseTable {
  readonly #leases = new Map<string, Lease>();
  #revision = 1000;
  readonly onChange = new Set<(name: string) => void>();
  readonly #forgetful: boolean;

  /** @param forgetful whether who holds a lease and asks again is told of the hold that it has, and not given another */
  constructor({ forgetful = false }: { readonly forgetful?: boolean } = {}) {
    this.#forgetful = forgetful;
  }

  acquire(now: number, name: string, identity: LeaseIdentity, share: LeaseShare, ttlMs: number): Acquired | number {
    this.expire(now);
    const lease = this.#lease(name);
    const id = idOf(identity);
    let claim = lease.claims.find((each) => each.id === id);
    if (claim === undefined) {
      claim = { id, nodeId: identity.nodeId, share, ttlMs, seenAt: now, token: undefined };
      lease.claims.push(claim);
    }
    claim.seenAt = now;
    if (!isFree(lease.claims, claim)) return ttlMs * WAITING_PART;
    // One that holds it already and asks again knows of no hold: it gets another one, with a greater token.
    if (claim.token === undefined || !this.#forgetful) claim.token = this.#change(name);
    return { token: claim.token, waitMs: Math.max(0, lease.freeFrom - now) };
  }

  /** False when it is over. */
  renew(now: number, name: string, identity: LeaseIdentity, token: number): boolean {
    this.expire(now);
    const claim = this.#find(name, identity);
    if (claim === undefined || claim.token !== token) return false;
    claim.seenAt = now;
    return true;
  }

  release(now: number, name: string, identity: LeaseIdentity, token: number): void {
    this.expire(now);
    if (this.#find(name, identity)?.token === token) this.#remove(name, identity);
  }

  withdraw(now: number, name: string, identity: LeaseIdentity): void {
    this.expire(now);
    const claim = this.#find(name, identity);
    // What was taken before it may be used runs out by itself.
    if (claim?.token !== undefined && this.#lease(name).freeFrom > now) return;
    if (claim !== undefined) this.#remove(name, identity);
  }

  /** What an operator may do at any time. Who had it isn't told, and may go on for as long as it would have had it. */
  delete(now: number, name: string): void {
    const lease = this.#lease(name);
    for (const { token, seenAt, ttlMs } of lease.claims.splice(0)) {
      if (token !== undefined) lease.freeFrom = Math.max(lease.freeFrom, Math.min(now, seenAt) + ttlMs);
    }
    this.#change(name);
  }

  expire(now: number): void {
    for (const [name, { claims }] of this.#leases) {
      const over = claims.filter(({ seenAt, ttlMs }) => seenAt + ttlMs <= now);
      for (const claim of over) claims.splice(claims.indexOf(claim), 1);
      if (over.length > 0) this.#change(name);
    }
  }

  /** A server that comes back can't know what was sent to it meanwhile: nothing runs out for as long as it would have. */
  restarted(now: number): void {
    for (const { claims } of this.#leases.values()) for (const claim of claims) claim.seenAt = now;
  }

  /** When the next claim runs out. */
  nextExpiry(): number {
    const all = [...this.#leases.values()].flatMap(({ claims }) => claims.map(({ seenAt, ttlMs }) => seenAt + ttlMs));
    return Math.min(Infinity, ...all);
  }

  view(name: string): TableView {
    const holder = this.#lease(name).claims.find(
      ({ token, share }) => token !== undefined && share.kind === 'exclusive',
    );
    const revision = this.#revision;
    return holder?.token === undefined
      ? { revision }
      : { revision, holder: { nodeId: holder.nodeId, token: holder.token } };
  }

  /** Of whom there are claims, as `[node, incarnation, claim]` in JSON. */
  get claimants(): readonly string[] {
    return [...this.#leases.values()].flatMap(({ claims }) => claims.map(({ id }) => id));
  }

  #find(name: string, identity: LeaseIdentity): Claim | undefined {
    const id = idOf(identity);
    return this.#lease(name).claims.find((claim) => claim.id === id);
  }

  #remove(name: string, identity: LeaseIdentity): void {
    const { claims } = this.#lease(name);
    const claim = this.#find(name, identity);
    if (claim !== undefined) claims.splice(claims.indexOf(claim), 1);
    this.#change(name);
  }

  #lease(name: string): Lease {
    const lease = this.#leases.get(name) ?? { claims: [], freeFrom: -Infinity };
    this.#leases.set(name, lease);
    return lease;
  }

  #change(name: string): number {
    this.#revision += 1;
    for (const listener of this.onChange) listener(name);
    return this.#revision;
  }
}

function idOf({ nodeId, incarnation, claim }: LeaseIdentity): string {
  return JSON.stringify([nodeId, incarnation, claim]);
}

/** Nobody who holds it, or came before, is in the way. */
function isFree(claims: readonly Claim[], own: Claim): boolean {
  const before = claims.slice(0, claims.indexOf(own));
  if (own.share.kind === 'permit') return before.length < own.share.permits;
  if (own.share.kind === 'read') return before.every(({ share }) => share.kind === 'read');
  return before.length === 0;
}
