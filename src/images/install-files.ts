import { fileURLToPath } from 'node:url';
import type { BuildEntry } from '../host/docker/build-entries.ts';

/** Where the packages of a model are in its image, as `install.sh` puts them there. */
export const VENV = '/opt/venv';
/** What they are: JSON, as `list_packages.py` prints it. */
export const PACKAGE_LIST = `${VENV}/packages.json`;

const PROGRAMS = ['install.sh', 'list_packages.py', 'import_served.py', 'strip_libraries.py'];

/** What installs packages while an image is built. It lies in `install/` beside this file, and beside the bundled program. */
export function listInstallFiles(): readonly BuildEntry[] {
  return PROGRAMS.map((name) => ({
    path: `requirements/${name}`,
    content: { file: fileURLToPath(new URL(`./install/${name}`, import.meta.url)) },
  }));
}
