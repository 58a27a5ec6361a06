/** A process of its own that prepares an environment, as `mlts run` does: argv is its source, as JSON. */
import type { EnvironmentSource } from '../../src/environments/environment.ts';
import { openEnvironment } from '../../src/environments/open.ts';
import { createTestContext } from '../setup/context.ts';

const source = JSON.parse(process.argv[2] ?? '') as EnvironmentSource;
const context = createTestContext();
await openEnvironment(undefined, source, context).prepare(context.interrupts.signal);
process.stdout.write(context.said.stderr);
