import { readFileSync } from 'node:fs';
import { defineConfig } from 'rolldown';

const { version, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

// Everything small and pure is bundled, so that a command opens few files; what package.json lists
// under "dependencies" (native parts, large and rarely used) stays outside and is loaded when used.
export default defineConfig({
  input: { main: 'src/main.ts' },
  platform: 'node',
  external: [...Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`)), 'pg-native'],
  // The scripts that `mlts completion` prints.
  moduleTypes: { '.bash': 'text', '.zsh': 'text', '.fish': 'text' },
  transform: { define: { MLTS_VERSION: JSON.stringify(version) } },
  output: {
    dir: 'dist',
    format: 'esm',
    cleanDir: true,
    minify: { compress: true, mangle: false, codegen: false },
    sourcemap: false,
  },
});
