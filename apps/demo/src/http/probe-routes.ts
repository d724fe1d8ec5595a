import { Type } from 'typebox';
import { answers, failing } from './answers.ts';
import type { Api, ApiParts } from './api.ts';

const Report = Type.Object(
  {
    live: Type.Boolean(),
    ready: Type.Boolean(),
    status: Type.String(),
    checks: Type.Record(Type.String(), Type.Object({ ok: Type.Boolean(), problem: Type.Optional(Type.String()) })),
  },
  { description: 'What was looked at, and what was wrong with it last.' },
);

/** `/livez`, `/readyz` and `/metrics`, of this node. */
export function probeRoutes(api: Api, { health, metrics, guard }: ApiParts): void {
  const tags = ['probes'];

  api.get(
    '/livez',
    {
      schema: {
        operationId: 'isLive',
        summary: 'Whether the process is of use; otherwise it is to be restarted',
        tags,
        security: [],
        response: { 200: Report, 503: Report },
      },
    },
    async (_, reply) => {
      const report = health.report();
      return await reply
        .code(report.live ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(shown(report));
    },
  );

  api.get(
    '/readyz',
    {
      schema: {
        operationId: 'isReady',
        summary: 'Whether the node can do its work now; otherwise nothing is to be sent to it',
        tags,
        security: [],
        response: { 200: Report, 503: Report },
      },
    },
    async (_, reply) => {
      const report = health.report();
      const ready = report.ready && !guard.isStopping;
      return await reply
        .code(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(shown({ ...report, ready }));
    },
  );

  api.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'In the text format of Prometheus',
        tags,
        response: answers(
          { 200: { description: 'Metrics.', content: { 'text/plain': { schema: Type.String() } } } },
          failing.here,
        ),
      },
    },
    async (_, reply) => await reply.header('content-type', metrics.contentType).send(await metrics.text()),
  );
}

type Checks = ReturnType<ApiParts['health']['report']>['checks'];

/** What is undefined has no place in JSON. */
function shown<T extends { readonly checks: Checks }>(report: T) {
  const checks = Object.entries(report.checks).map(([name, { ok, problem }]) => [
    name,
    problem === undefined ? { ok } : { ok, problem },
  ]);
  return { ...report, checks: Object.fromEntries(checks) as Record<string, { ok: boolean; problem?: string }> };
}
