import { join } from 'node:path';
import { removeFile } from '../../host/file-tree.ts';
import { readMeta, readText } from '../../host/meta-file.ts';
import type { StageChange } from '../store.ts';
import { readAliases } from './models.ts';
import {
  changeVersion,
  DELETED_STAGE,
  listVersionNumbers,
  requireVersionMeta,
  versionFolder,
} from './versions.ts';

/** The version itself moves first: where something fails then, the stage is not left empty. @throws NotFound */
export async function moveVersion(
  folder: string,
  name: string,
  version: number,
  { stage, archivesExisting }: StageChange,
  nowMs: number,
): Promise<void> {
  const time = { last_updated_timestamp: nowMs };
  await changeVersion(folder, name, version, { ...time, current_stage: stage });
  if (!archivesExisting) return;
  for (const other of await listVersionNumbers(folder)) {
    const meta = other === version ? undefined : await readMeta(versionFolder(folder, other));
    if (meta === undefined || readText(meta, 'current_stage') !== stage) continue;
    await changeVersion(folder, name, other, { ...time, current_stage: 'Archived' });
  }
}

/** Leaves a version's folder, with a mark; its aliases go first, so that none names what is gone. @throws NotFound */
export async function deleteVersion(
  folder: string,
  name: string,
  version: number,
  nowMs: number,
): Promise<void> {
  await requireVersionMeta(folder, name, version);
  for (const { alias } of (await readAliases(folder)).filter((held) => held.version === version)) {
    await removeFile(join(folder, 'aliases', alias));
  }
  const change = { current_stage: DELETED_STAGE, last_updated_timestamp: nowMs };
  await changeVersion(folder, name, version, change);
}
