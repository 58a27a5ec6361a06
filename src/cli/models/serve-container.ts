import { Command } from 'commander';
import { readFlag, variables } from '../../core/environment-variables.ts';
import type { Context } from '../../host/context.ts';
import { writeFileAtomically } from '../../host/files.ts';
import { removeFolder } from '../../host/folders.ts';
import { createServeCommand } from './serve.ts';

/**
 * What a model image starts: `serve` with the settings of a container, which variables change as they do in
 * MLflow's images (`mlflow/models/container/__init__.py`). Options given to `docker run` come last and win.
 */
export function createServeContainerCommand(context: Context): Command {
  return new Command('serve-container')
    .description('what a model image runs')
    .argument('[arguments...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (given: readonly string[]) => {
      const words = [...(await readSettings(context)), ...withoutVerb(given)];
      let noted: string | undefined;
      const serve = createServeCommand(context, async (url) => {
        noted = await noteAddress(url, context);
      });
      try {
        await serve.parseAsync(words, { from: 'user' });
      } finally {
        if (noted !== undefined) await removeFolder(noted);
      }
    });
}

/** For the health check of the image, which runs in the container beside this. */
async function noteAddress(url: string, { terminal }: Context): Promise<string | undefined> {
  const { ADDRESS_FILES } = await import('../../images/model-dockerfile.ts');
  const failures: string[] = [];
  for (const file of ADDRESS_FILES) {
    try {
      await writeFileAtomically(file, url);
      return file;
    } catch (error) {
      failures.push(String(error));
    }
  }
  terminal.warn(`the health check of the image will fail: ${failures.join('; ')}`);
  return undefined;
}

async function readSettings({ env }: Context): Promise<readonly string[]> {
  const { MODEL_DIRECTORY, MODEL_PORT } = await import('../../images/model-dockerfile.ts');
  const manager = env[variables.containerEnvironmentManager] || 'local';
  return [
    ...['--model-uri', MODEL_DIRECTORY, '--host', '0.0.0.0', '--port', String(MODEL_PORT)],
    ...['--env-manager', manager],
    ...(readFlag(env, variables.containerInstallsMlflow) ? ['--install-mlflow'] : []),
    ...readGunicornSettings(env[variables.gunicornArguments] ?? ''),
  ];
}

/** SageMaker starts an image with the word `serve`. */
function withoutVerb(given: readonly string[]): readonly string[] {
  return given[0] === 'serve' ? given.slice(1) : given;
}

/** gunicorn's options that mean something here; the others steer a server that is not there. */
function readGunicornSettings(text: string): readonly string[] {
  const gunicorn = new Command()
    .allowUnknownOption()
    .allowExcessArguments()
    .option('-w, --workers <number>')
    .option('-t, --timeout <seconds>')
    .option('--certfile <file>')
    .option('--keyfile <file>')
    .option('--access-logfile <file>');
  const words = text.split(/\s+/).filter((word) => word !== '');
  const { workers, timeout, certfile, keyfile, accessLogfile } = gunicorn
    .parse(words, { from: 'user' })
    .opts<Readonly<Record<string, string | undefined>>>();
  return [
    ...(workers === undefined ? [] : ['--workers', workers]),
    ...(timeout === undefined || timeout === '0' ? [] : ['--timeout', timeout]),
    ...readCertificate(certfile, keyfile),
    ...(accessLogfile === '-' ? ['--access-log'] : []),
  ];
}

/** As Python reads them: a certificate's file may hold its key. A key alone is refused by `serve`. */
function readCertificate(certificate: string | undefined, key = certificate): readonly string[] {
  return [
    ...(certificate === undefined ? [] : ['--tls-cert', certificate]),
    ...(key === undefined ? [] : ['--tls-key', key]),
  ];
}
