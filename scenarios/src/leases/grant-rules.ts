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
  #known: Known[] = [];
  #granted = 0;

  constructor(permits: number) {
    this.#permits = permits;
  }

  /** How many grants there were. */
  get granted(): number {
    return this.#granted;
  }

  /** @throws Error when another run, or another claim of this one, has called itself the same */
  opened({ name, identity }: LeaseRequest, boot: number): void {
    const key = JSON.stringify([name, identity]);
    if (this.#identities.has(key)) {
      throw new Error(`run ${boot} calls itself what run ${this.#identities.get(key)} was: ${key}`);
    }
    this.#identities.set(key, boot);
  }

  /** Processes that crashed hold nothing. */
  forget(node: string): void {
    this.#known = this.#known.filter((each) => each.node !== node);
  }

  began(node: string, name: string, kind: Kind, grant: Grant): void {
    if (this.#known.some((each) => each.grant === grant)) return;
    this.#granted += 1;
    const last = this.#tokens.get(name) ?? -1n;
    if (kind === 'exclusive' || kind === 'write') {
      if (grant.token <= last) throw new Error(`${name}: ${node} got token ${grant.token} after ${last}`);
      this.#tokens.set(name, grant.token);
    }
    this.#known.push({ node, name, kind, grant });
  }

  /** @throws Error when two hold what only one may hold */
  check(isAlive: (node: string) => boolean): void {
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
