import { Option } from 'commander';
import { NotFound } from '../../core/errors.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Context } from '../../host/context.ts';
import type { AuthStores } from '../../server/auth/auth-stores.ts';

export interface DatabaseFlags {
  readonly databaseUri?: string;
}

/** Where the users are; by default where the server in this folder would look for them. */
export function createDatabaseOption(): Option {
  return new Option(
    '--database-uri <uri>',
    'the auth database; default: as MLFLOW_AUTH_CONFIG_PATH says, else sqlite:///basic_auth.db',
  );
}

/** Opens the auth database for `work`, and closes it. @throws MltsError */
export async function withAuthStores<T>(
  { databaseUri }: DatabaseFlags,
  context: Context,
  work: (stores: AuthStores) => Promise<T>,
): Promise<T> {
  const [{ openAuthStores }, { readAuthConfig }] = await Promise.all([
    import('../../server/auth/auth-stores.ts'),
    import('../../server/auth/config.ts'),
  ]);
  const uri = databaseUri ?? (await readAuthConfig(context)).databaseUri;
  const stores = await openAuthStores(uri, context);
  try {
    return await work(stores);
  } catch (error) {
    if (!(error instanceof NotFound) || error.hint !== undefined) throw error;
    const hint = `see \`mlts users list\`: the users are in ${redactUrls(uri)}`;
    throw new NotFound(error.message, { hint, cause: error });
  } finally {
    await stores.close();
  }
}
