import { messageKind } from '@quorate/core';

export const FORMATION: number = messageKind.FORMATION;
