import type { SwaggerOptions } from '@fastify/swagger';

/** The description at `/openapi.json`, but for the paths, which come from the routes. */
export const openapi: SwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Quorate broker',
      description:
        'Durable queues and topics, replicated by the nodes of a cluster. Any node takes any request. A write that was ' +
        'answered well is stored by a majority of the nodes; one that failed says with `outcome` whether anything of it ' +
        'may have been done, and is safely repeated with the same message ids. What is delivered is delivered at least once.',
      version: '1',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'queues', description: 'Making, looking at and removing queues' },
      { name: 'messages', description: 'Publishing' },
      { name: 'topics', description: 'What is published there goes to the queue of each subscription' },
      { name: 'consumers', description: 'Receiving and settling' },
      { name: 'cluster', description: 'The nodes' },
      { name: 'probes', description: 'Health and metrics of one node' },
    ],
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Where the node was started with QUORATE_HTTP_TOKEN.' },
      },
    },
    security: [{ token: [] }, {}],
  },
  refResolver: {
    buildLocalReference: (json, _base, _fragment, at) =>
      typeof json['$id'] === 'string' ? json['$id'] : `schema${at}`,
  },
};
