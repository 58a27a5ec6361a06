import { readFileSync } from 'node:fs';
import { defineConfig, type PluginContext } from 'rolldown';

const { version, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

/** Python reads it from a file of its own, beside the program. */
const shipWorker = {
  name: 'ship-worker',
  generateBundle(this: PluginContext) {
    const source = readFileSync('src/serving/worker.py', 'utf8');
    this.emitFile({ type: 'asset', fileName: 'worker.py', source });
  },
};

// Everything small and pure is bundled, so that a command opens few files; what package.json lists
// under "dependencies" (native parts, large and rarely used) stays outside and is loaded when used.
export default defineConfig({
  input: { main: 'src/main.ts' },
  platform: 'node',
  external: [...Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`)), 'pg-native'],
  // The scripts that `mlts completion` prints.
  moduleTypes: { '.bash': 'text', '.zsh': 'text', '.fish': 'text' },
  plugins: [shipWorker],
  transform: { define: { MLTS_VERSION: JSON.stringify(version) } },
  output: {
    dir: 'dist',
    format: 'esm',
    cleanDir: true,
    minify: { compress: true, mangle: false, codegen: false },
    sourcemap: false,
  },
});
