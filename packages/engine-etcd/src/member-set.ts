import type { Random } from '@quorate/core';

import type { EngineSettings, EtcdTls } from './engine-options.ts';
import { etcdError, isStaleLogin, isWithoutUsers } from './etcd-failure.ts';
import { MemberConnection } from './member-connection.ts';

/** Hanging this often in a row, a member gets a new connection: the path may be gone without a trace. */
const HANGS_BEFORE_RENEWAL = 2;

interface Member {
  readonly at: number;
  connection: MemberConnection;
  hangs: number;
}

/** Runs a call on one member, within the time that one may take. */
export type OnMember = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/**
 * The members as one client of etcd sees them, shared by all who use it: one connection each, one that is asked until it
 * fails, one login.
 */
export class MemberSet implements Disposable {
  readonly #settings: EngineSettings;
  readonly #members: Member[] = [];
  #at: number;
  #generation = 0;
  #tls: EtcdTls | undefined;
  /** Of the last login, until it is refused; `''` where etcd has no users. */
  #token: string | undefined;
  /** The login under way: one for all calls that wait for it. */
  #login: Promise<string> | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;

  constructor(settings: EngineSettings, random: Random) {
    this.#settings = settings;
    // Chance spreads clients over the members.
    this.#at = Math.floor(random.next() * settings.members.length);
  }

  get size(): number {
    return this.#settings.members.length;
  }

  /** The member to ask now. */
  async current(): Promise<MemberConnection> {
    await (this.#opening ??= this.#open());
    const member = this.#members[this.#at];
    if (member === undefined || this.#closed) throw etcdError({ code: 14, details: 'the client was closed' }, 'etcd');
    return member.connection;
  }

  /** To be called when a member answered. */
  answered(connection: MemberConnection): void {
    const member = this.#memberOf(connection);
    if (member !== undefined) member.hangs = 0;
  }

  /** To be called when a member failed; the next one is asked from now on, unless somebody has moved on already. */
  async failed(connection: MemberConnection, reason: 'hangs' | 'fails'): Promise<void> {
    const member = this.#memberOf(connection);
    if (member === undefined) return;
    if (member.at === this.#at) this.#at = (member.at + 1) % this.size;
    member.hangs = reason === 'hangs' ? member.hangs + 1 : 0;
    if (member.hangs >= HANGS_BEFORE_RENEWAL) this.#renew(member);
    // A member that hangs up may do so because of our certificate.
    else if (reason === 'fails' && this.#settings.secure) await this.#readTls();
  }

  /** The token to send, logging in where that is due; undefined where nobody has to. */
  async token(connection: MemberConnection, onMember: OnMember): Promise<string | undefined> {
    if (this.#settings.user === undefined) return undefined;
    if (this.#token === undefined) await (this.#login ??= this.#logIn(connection, onMember));
    return this.#token === '' ? undefined : this.#token;
  }

  /** To be called when a call was refused. True when another one with a new token may do better. */
  refused(error: unknown, token: string | undefined): boolean {
    if (this.#settings.user === undefined || !isStaleLogin(error)) return false;
    // Unless there is a newer one by now.
    if (this.#token === (token ?? '')) this.#token = undefined;
    return true;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { connection } of this.#members) connection[Symbol.dispose]();
  }

  async #open(): Promise<void> {
    const { secure, tls } = this.#settings;
    try {
      this.#tls = secure ? await tls() : undefined;
    } catch (error) {
      this.#opening = undefined;
      throw etcdError(error, 'etcd: what tls was to give');
    }
    if (this.#closed || this.#members.length > 0) return;
    for (const at of this.#settings.members.keys()) {
      this.#members.push({ at, connection: this.#connect(at), hangs: 0 });
    }
  }

  async #readTls(): Promise<void> {
    const tls = await Promise.resolve()
      .then(() => this.#settings.tls())
      .catch(() => this.#tls);
    if (this.#closed || JSON.stringify(tls) === JSON.stringify(this.#tls)) return;
    this.#tls = tls;
    for (const member of this.#members) this.#renew(member);
  }

  #renew(member: Member): void {
    if (this.#closed) return;
    member.connection[Symbol.dispose]();
    member.connection = this.#connect(member.at);
    member.hangs = 0;
  }

  #connect(at: number): MemberConnection {
    this.#generation += 1;
    const address = this.#settings.members[at];
    if (address === undefined) throw etcdError(new Error(`there is no member ${at}`), 'etcd');
    return new MemberConnection(address, this.#tls, this.#generation);
  }

  #memberOf(connection: MemberConnection): Member | undefined {
    return this.#members.find((member) => member.connection === connection);
  }

  /** A failure is not kept: the next call tries anew, with the password of then. */
  async #logIn(connection: MemberConnection, onMember: OnMember): Promise<string> {
    try {
      this.#token = await this.#authenticate(connection, onMember);
      return this.#token;
    } finally {
      this.#login = undefined;
    }
  }

  async #authenticate(connection: MemberConnection, onMember: OnMember): Promise<string> {
    const { user } = this.#settings;
    if (user === undefined) return '';
    const password = await Promise.resolve()
      .then(() => user.password())
      .catch((error: unknown) => Promise.reject(etcdError(error, 'etcd: what password was to give')));
    const request = { name: user.name, password };
    try {
      const answer = await onMember((signal) => connection.call('authenticate', request, { signal, token: undefined }));
      return answer.token;
    } catch (error) {
      if (isWithoutUsers(error)) return '';
      throw error;
    }
  }
}
