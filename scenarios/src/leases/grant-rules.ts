import type { LeaseRequest, LeaseShare } from '@quorate/lease';

type Kind = LeaseShare['kind'];

interface Grant {
  readonly token: bigint;
  isValid(): boolean;
}

interface Known {
  readonly node: string;
  readonly name: string;
  readonly kind: Kind;
  readonly grant: Grant;
}

/** What must hold of grants at every moment, whoever holds them. */
export class GrantRules {
  readonly #permits: number;
  readonly #identities = new Map<string, number>();
  /** Of each name: the last token that was granted to one alone. */
  readonly #tokens = new Map<string, bigint>();
  readonly #seen = new WeakSet<Grant>();
  #known: Known[] = [];
  /** Found where nobody could be told. */
  #broken: Error | undefined;
  #granted = 0;

  constructor(permits: number) {
    this.#permits = permits;
  }

  /** How many grants there were. */
  get granted(): number {
    return this.#granted;
  }

  /** No other run, and no other claim of this one, may have called itself the same. */
  opened({ name, identity }: LeaseRequest, boot: number): void {
    const key = JSON.stringify([name, identity]);
    if (this.#identities.has(key)) {
      this.#broken ??= new Error(`run ${boot} calls itself what run ${this.#identities.get(key)} was: ${key}`);
    }
    this.#identities.set(key, boot);
  }

  /** Processes that crashed hold nothing. */
  forget(node: string): void {
    this.#known = this.#known.filter((each) => each.node !== node);
  }

  began(node: string, name: string, kind: Kind, grant: Grant): void {
    if (this.#seen.has(grant)) return;
    this.#seen.add(grant);
    this.#granted += 1;
    const last = this.#tokens.get(name) ?? -1n;
    if (kind === 'exclusive' || kind === 'write') {
      if (grant.token <= last) this.#broken ??= new Error(`${name}: ${node} got token ${grant.token} after ${last}`);
      this.#tokens.set(name, grant.token);
    }
    this.#known.push({ node, name, kind, grant });
  }

  /** @throws Error when a rule was broken, such as by two that hold what only one may hold */
  check(isAlive: (node: string) => boolean): void {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#known.length > 50) this.#known = this.#known.filter(({ grant }) => grant.isValid());
    const valid = this.#known.filter(({ node, grant }) => isAlive(node) && grant.isValid());
    for (const one of valid) {
      const others = valid.filter((other) => other.name === one.name && other !== one);
      const tooMany =
        one.kind === 'permit'
          ? others.length >= this.#permits
          : others.some(({ kind }) => kind !== 'read' || one.kind !== 'read');
      if (tooMany) throw new Error(`two valid grants at once: ${[one, ...others].map(described).join(', ')}`);
    }
  }
}

function described({ node, name, kind, grant }: Known): string {
  return `${name} (${kind}) of ${node}, token ${grant.token}`;
}
