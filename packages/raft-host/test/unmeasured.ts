import { noTelemetry } from '@quorate/core';
import { GroupInstruments } from '../src/group-instruments.ts';

/** The instruments of a group that nobody measures. */
export const unmeasured: GroupInstruments = new GroupInstruments(noTelemetry, 1, () => {
  throw new Error('nobody collects');
});
