// A node that is asked to stop while it starts.
import { NodeEvents } from '../../src/node/node-events.ts';

const follow: NodeEvents['follow'] = Reflect.get(NodeEvents.prototype, 'follow');

NodeEvents.prototype.follow = function (cluster) {
  process.kill(process.pid, 'SIGTERM');
  follow.call(this, cluster);
};

await import('../../src/node/node-main.ts');
