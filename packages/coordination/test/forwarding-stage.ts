import {
  type ForwardCallOptions,
  type ForwardedRequest,
  type ForwardOptions,
  forwardToLeader,
  type LeaderFunction,
} from '../src/index.ts';
import { byMajority, type CoordinatedCluster, Nodes } from './nodes.ts';

type Work = (input: number, request: ForwardedRequest, name: string) => unknown;

/** Three nodes with a function of the leader, and who did what. */
export class Stage {
  readonly nodes: Nodes;
  readonly asks = new Map<string, LeaderFunction<number, unknown>>();
  readonly done: { readonly name: string; readonly input: number; readonly token: bigint }[] = [];

  constructor(
    seed: string,
    work: Work = (input) => input * 2,
    options: (cluster: CoordinatedCluster) => ForwardOptions = () => ({}),
    parts: () => object = byMajority,
  ) {
    this.nodes = new Nodes(seed, parts, (cluster, name) => {
      const handle = async (input: number, request: ForwardedRequest): Promise<unknown> => {
        this.done.push({ name, input, token: request.token });
        return await work(input, request, name);
      };
      this.asks.set(name, forwardToLeader(cluster, handle, options(cluster)));
    });
    this.nodes.startAll();
  }

  readonly ask = (name: string, input: number, options: ForwardCallOptions = {}): Promise<unknown> => {
    const ask = this.asks.get(name) as LeaderFunction<number, unknown>;
    return ask(input, options).catch((error: unknown) => error);
  };
}
