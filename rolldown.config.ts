import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig, type PluginContext } from 'rolldown';

const { version, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

/** Python and sh read them from files of their own, beside the program. */
const shipScripts = {
  name: 'ship-scripts',
  generateBundle(this: PluginContext) {
    const ship = (room: string, folder = '') => {
      const names = readdirSync(`src/${room}/${folder}`).filter((name) => /\.(py|sh)$/.test(name));
      for (const name of names) {
        const source = readFileSync(`src/${room}/${folder}${name}`, 'utf8');
        this.emitFile({ type: 'asset', fileName: `${folder}${name}`, source });
      }
    };
    ship('serving');
    ship('images', 'install/');
  },
};

// Everything small and pure is bundled, so that a command opens few files; what package.json lists
// under "dependencies" (native parts, large and rarely used) stays outside and is loaded when used.
export default defineConfig({
  // The second is a thread of its own.
  input: { main: 'src/main.ts', 'query-thread': 'src/sql/query-thread.ts' },
  platform: 'node',
  external: [...Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`)), 'pg-native'],
  // The scripts that `mlts completion` prints.
  moduleTypes: { '.bash': 'text', '.zsh': 'text', '.fish': 'text' },
  plugins: [shipScripts],
  transform: { define: { MLTS_VERSION: JSON.stringify(version) } },
  output: {
    dir: 'dist',
    format: 'esm',
    cleanDir: true,
    minify: { compress: true, mangle: false, codegen: false },
    sourcemap: false,
  },
});
