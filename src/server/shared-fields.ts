import type { Tag } from '../core/entities.ts';
import type { View } from '../tracking/store.ts';
import { enumeration, type Message, message } from './message.ts';

/** Parts of messages that several rpcs share (`mlflow/protos/service.proto`). */
const PAIR = { key: 'string', value: 'string' } as const;
export const tag = message(PAIR);

export const viewType = enumeration({ 1: 'ACTIVE_ONLY', 2: 'DELETED_ONLY', 3: 'ALL' });

export const VIEWS: Readonly<Record<'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL', View>> = {
  ACTIVE_ONLY: 'active_only',
  DELETED_ONLY: 'deleted_only',
  ALL: 'all',
};

export function readTags(tags: readonly Message<typeof PAIR>[] = []): readonly Tag[] {
  return tags.map(({ key = '', value = '' }) => ({ key, value }));
}
