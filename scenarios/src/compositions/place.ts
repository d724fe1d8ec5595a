/** What a part may stand on beside the nodes themselves: of each what is asked of it here. */
export interface Servers {
  readonly consul: { readonly address: string };
  readonly dns: { readonly address: string; serve(records: readonly string[]): Promise<void> };
  readonly etcd: { readonly endpoints: readonly string[] };
  readonly kubernetes: {
    readonly url: string;
    readonly tokens: { readonly admin: string };
    serviceAccount(name: string, token: string): string;
    call(method: 'POST' | 'PATCH', route: string, text: string): Promise<string>;
  };
}

export type ServerName = keyof Servers;

/** Where one composition runs: what keeps it apart from others, and what its nodes are. */
export interface Place {
  /** Unique; letters, digits and dashes. */
  readonly name: string;
  readonly nodes: readonly { readonly id: string; readonly host: string; readonly port: number }[];
  readonly isSimulated: boolean;
  /** Those that the parts of the composition need. */
  readonly servers: Partial<Servers>;
  /** UDP, of which nobody else hears. */
  readonly multicastPort: number;
}

/** One of the parts that a kind can be. */
export interface Choice<P> {
  readonly name: string;
  /** What must run for it. Undefined: nothing, so it runs in the simulator too. */
  readonly server?: ServerName;
  /** Called once for each node. */
  make(place: Place): P;
  /** What an operator sees to before there are nodes. */
  prepare?(place: Place): Promise<void>;
}

/** The server, where `Choice.server` said that it is needed. */
export function need<K extends ServerName>(place: Place, name: K): Servers[K] {
  const server = place.servers[name];
  if (server === undefined) throw new Error(`${place.name}: there is no ${name}`);
  return server;
}
