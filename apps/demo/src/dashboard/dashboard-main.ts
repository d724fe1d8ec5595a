import { parseAddress } from '@quorate/core';
import { Command, Option } from 'commander';

import { address } from '../node/part-options.ts';
import { serveNodes } from './serve-nodes.ts';

interface Options {
  readonly listen: string;
  readonly httpToken: string | undefined;
}

const command = new Command('npm run dashboard --')
  .description(
    'Shows nodes that run somewhere, in a browser. Those of their cluster that are not named are shown as they see them.',
  )
  .argument('<urls...>', 'of HTTP APIs of nodes, such as http://127.0.0.1:8080')
  .option(
    '--listen <host:port>',
    'where it is to be looked at; beyond loopback it only shows',
    address,
    '127.0.0.1:7070',
  )
  .addOption(new Option('--http-token <text>', 'the bearer token of the nodes').env('QUORATE_HTTP_TOKEN'))
  .parse();

const { listen, httpToken } = command.opts<Options>();
const wrong = command.args.find((url) => !URL.canParse(url) || !new URL(url).protocol.startsWith('http'));
if (wrong !== undefined) command.error(`${wrong} is no URL of a node, such as http://127.0.0.1:8080`);
const dashboard = await serveNodes({ at: parseAddress(listen), urls: command.args, bearerToken: httpToken });
console.log(dashboard.url);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void dashboard[Symbol.asyncDispose]());
}
