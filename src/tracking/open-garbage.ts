import { resolveLocation } from '../core/artifact-location.ts';
import { InvalidInput, MltsError } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import type { Context } from '../host/context.ts';
import { locateStore } from '../host/store-place.ts';
import type { GarbageCollector } from './garbage.ts';
import type { WorkspaceChoice } from './sql/garbage/sql-garbage-collector.ts';

/**
 * Opens the store that `uri` names, to forget what is deleted in it.
 *
 * @throws MltsError NOT_IMPLEMENTED for a server, InvalidInput where workspaces are asked for and there are
 * none; what the stores throw on opening.
 */
export async function openGarbageCollector(
  uri: string,
  workspaces: WorkspaceChoice,
  context: Context,
): Promise<GarbageCollector> {
  const place = locateStore(uri, context.cwd);
  switch (place.kind) {
    case 'sql': {
      const { openSqlConnection } = await import('../sql/open.ts');
      const { SqlGarbageCollector } = await import('./sql/garbage/sql-garbage-collector.ts');
      return SqlGarbageCollector.open(await openSqlConnection(uri, context), workspaces);
    }
    case 'folder': {
      if (workspaces !== undefined) throw noWorkspaces(uri);
      const { FileGarbageCollector } = await import('./file/garbage.ts');
      return new FileGarbageCollector(place.path, resolveLocation(uri, context.cwd));
    }
    case 'server':
      throw new MltsError(
        'NOT_IMPLEMENTED',
        `${redactUrls(uri)} is a server, which lets nobody remove anything for good`,
        { hint: 'name what it keeps its data in, as with --backend-store-uri postgresql://...' },
      );
  }
}

function noWorkspaces(uri: string): InvalidInput {
  return new InvalidInput(`${redactUrls(uri)} has no workspaces; only databases have`, {
    hint: 'leave out --workspace and --all-workspaces, and unset MLFLOW_WORKSPACE',
  });
}
