import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';

import type { ControlAction } from './dashboard-state.ts';

const NODE = Type.String({ minLength: 1, maxLength: 100 });
const STRICT = { additionalProperties: false } as const;
const NODE_ACTIONS = ['kill', 'pause', 'resume', 'stop', 'start', 'restart', 'isolate', 'transfer'] as const;

const CONTROL = Type.Union([
  Type.Object({ action: Type.Union(NODE_ACTIONS.map((action) => Type.Literal(action))), node: NODE }, STRICT),
  Type.Object(
    {
      action: Type.Literal('partition'),
      groups: Type.Array(Type.Array(NODE, { minItems: 1, maxItems: 100 }), { minItems: 1, maxItems: 100 }),
    },
    STRICT,
  ),
  Type.Object({ action: Type.Literal('heal') }, STRICT),
  Type.Object({ action: Type.Literal('traffic'), on: Type.Boolean() }, STRICT),
]);

const MESSAGE = Type.Object(
  {
    text: Type.String({ minLength: 1, maxLength: 1000 }),
    priority: Type.Integer({ minimum: 0, maximum: 9 }),
    delayMs: Type.Integer({ minimum: 0, maximum: 60_000 }),
  },
  STRICT,
);

const CONSUMER = Type.Object(
  { does: Type.Union([Type.Literal('acknowledge'), Type.Literal('reject'), Type.Literal('nothing')]) },
  STRICT,
);

export type MessageRequest = Static<typeof MESSAGE>;
/** What the dashboard's consumer does with what it is given; `nothing`: there is none. */
export type ConsumerDoes = Static<typeof CONSUMER>['does'];

/** Each undefined where the body is something else. */
export const controlAction = (body: unknown): ControlAction | undefined => checked(CONTROL, body);
export const messageRequest = (body: unknown): MessageRequest | undefined => checked(MESSAGE, body);
export const consumerDoes = (body: unknown): ConsumerDoes | undefined => checked(CONSUMER, body)?.does;

function checked<Schema extends TSchema>(schema: Schema, body: unknown): Static<Schema> | undefined {
  return Value.Check(schema, body) ? body : undefined;
}
