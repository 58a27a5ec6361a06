import { join } from 'node:path';
import type { Context } from '../host/context.ts';
import { readTextIfPresent } from '../host/files.ts';
import type { HttpHandler } from '../http/server.ts';
import type { LocalModel } from '../models/local-model.ts';

/** The input example as a request, which MLflow writes beside the model since 2.16. */
const EXAMPLE_FILE = 'serving_input_example.json';

/**
 * Asks for one prediction before anybody else does: the first one often loads and compiles more. That it
 * fails is told, and no reason not to serve: examples are not always meant for it.
 */
export async function warmUp(
  app: HttpHandler,
  { folder }: LocalModel,
  { terminal }: Context,
): Promise<void> {
  const example = await readTextIfPresent(join(folder, EXAMPLE_FILE));
  if (!example) return;
  const { status, body } = await app({
    method: 'POST',
    path: '/invocations',
    query: '',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(example),
    signal: new AbortController().signal,
  });
  if (status === 200) return;
  terminal.warn(
    `the model's own input example is answered with ${status}: ${String(body).slice(0, 500)}`,
  );
}
