import { benchCrashes } from './crashes.ts';
import { benchImages } from './images.ts';
import { benchPredict } from './predict.ts';
import { benchSearch } from './search.ts';
import { benchServe } from './serve.ts';
import { benchServer } from './server.ts';
import { benchServerArtifacts } from './server-artifacts.ts';
import { benchServerGrowth } from './server-growth.ts';
import { benchStartup } from './startup.ts';
import { benchTransfers } from './transfers.ts';
import { benchTrivialRun } from './trivial-run.ts';

/** `npm run bench [name ...]`: all figures, or the named ones; each beside MLflow in the same run. */
const benches: Readonly<Record<string, () => Promise<void>>> = {
  startup: benchStartup,
  'trivial-run': benchTrivialRun,
  search: benchSearch,
  transfers: benchTransfers,
  serve: benchServe,
  server: benchServer,
  'server-growth': benchServerGrowth,
  crashes: benchCrashes,
  'server-artifacts': benchServerArtifacts,
  predict: benchPredict,
  images: benchImages,
};

const asked = process.argv.slice(2);
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n# ${name}`);
  await bench();
}
