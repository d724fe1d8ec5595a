import { consulTakeover } from './takeover-consul.ts';
import type { TakeoverEngine } from './takeover-engine.ts';
import { etcdTakeover } from './takeover-etcd.ts';
import { kubernetesTakeover } from './takeover-kubernetes.ts';

export const takeoverEngines: readonly TakeoverEngine[] = [consulTakeover, etcdTakeover, kubernetesTakeover];
