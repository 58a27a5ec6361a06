import type { Context } from '../../host/context.ts';
import { askSecret } from '../../host/secret-question.ts';

export const PASSWORD_HELP =
  'better not here, where others on this machine see it: typed or from stdin without it';

/** The password of the option, else of stdin. */
export async function readPassword(given: string | undefined, context: Context): Promise<string> {
  return given ?? (await askSecret('password (at least 12 characters, it is not shown):', context));
}
