import { join, sep } from 'node:path';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import { kindOf } from '../../host/files.ts';
import { listNames } from '../../host/folders.ts';
import { resolveLinks } from '../../host/temporary-folder.ts';

const MOST_NAMES = 10;

/**
 * The project's own folder below `top`.
 *
 * @throws NotFound, listing what is there, where it is no folder; InvalidInput where a link leads out
 * of `top` and `isFetched` says that somebody else made that link.
 */
export async function enterSubdirectory(
  top: string,
  subdirectory: string,
  { name, isFetched }: { readonly name: string; readonly isFetched: boolean },
): Promise<string> {
  const directory = join(top, subdirectory);
  if ((await kindOf(directory)) !== 'directory') {
    throw new NotFound(`there is no folder \`${subdirectory}\` in ${name}`, {
      hint: await describeFolders(top),
    });
  }
  if (isFetched && !(await isWithin(directory, top))) {
    throw new InvalidInput(`the folder \`${subdirectory}\` of ${name} is a link that leaves it`);
  }
  return directory.replace(/(.)\/+$/, '$1');
}

async function isWithin(directory: string, top: string): Promise<boolean> {
  const [inner, outer] = await Promise.all([resolveLinks(directory), resolveLinks(top)]);
  return inner === outer || inner.startsWith(outer + sep);
}

async function describeFolders(top: string): Promise<string> {
  const names = (await listNames(top)).filter((name) => !name.startsWith('.'));
  const kinds = await Promise.all(names.map((name) => kindOf(join(top, name))));
  const folders = names.filter((_name, index) => kinds[index] === 'directory');
  if (folders.length === 0) return 'it has no folders: leave the part after # out';
  const more = folders.length > MOST_NAMES ? ', ...' : '';
  return `its folders are ${folders.slice(0, MOST_NAMES).join(', ')}${more}`;
}
