import { join } from 'node:path';
import { MltsError } from '../core/errors.ts';
import { listWords } from '../core/wording.ts';
import { walkFolder } from '../host/source-tree.ts';
import { checkExample } from './check-example.ts';
import { checkRequirements } from './check-requirements.ts';
import { readExample } from './example.ts';
import type { Finding } from './finding.ts';
import type { LocalModel } from './local-model.ts';
import { checkFiles, staysBelow } from './model-files.ts';
import { readModelRequirements } from './model-requirements.ts';

/** All that a look at the files of a model finds; its code is not run. */
export async function checkModel(model: LocalModel): Promise<readonly Finding[]> {
  const { file } = model;
  const requirements = await readModelRequirements(model);
  return [
    ...checkFlavor(model),
    ...(await checkFiles(model)),
    ...checkSignature(model),
    ...(await checkOwnExample(model)),
    ...checkRequirements(requirements, file),
    ...(await checkPickles(model)),
  ];
}

function checkFlavor({ file: { flavors } }: LocalModel): readonly Finding[] {
  if (flavors.has('python_function')) return [];
  return [
    {
      level: 'error',
      rule: 'no-python-function',
      message: `it has no \`python_function\` flavor, only ${listWords([...flavors.keys()])}`,
      hint: 'log it with a flavor of MLflow that Python can load, or as a custom python model',
    },
  ];
}

function checkSignature({ file: { signature } }: LocalModel): readonly Finding[] {
  const inputs = signature?.inputs;
  if (inputs === undefined) {
    return [
      {
        level: 'warning',
        rule: 'missing-signature',
        message:
          'it does not say what it takes: wrong input is found by the model itself, or never',
        hint: 'log it with signature=infer_signature(X, predictions), or an input example',
      },
    ];
  }
  const whole = inputs.filter(
    ({ kind, ...spec }) =>
      kind === 'column' &&
      'type' in spec &&
      spec.type.kind === 'scalar' &&
      ['integer', 'long'].includes(spec.type.type),
  );
  if (whole.length === 0) return [];
  return [
    {
      level: 'note',
      rule: 'integer-columns',
      message: `${listWords(whole.map(({ name }, at) => name ?? String(at)))}: columns of whole numbers can have no missing values`,
      hint: 'where values may be missing, infer the signature from columns of float64',
    },
  ];
}

async function checkOwnExample(model: LocalModel): Promise<readonly Finding[]> {
  const inputs = model.file.signature?.inputs;
  // That it lies elsewhere is told with the other files; it is not read.
  if (!staysBelow(String(model.file.inputExample?.artifact_path ?? ''))) return [];
  try {
    const example = await readExample(model);
    return example === undefined || inputs === undefined ? [] : checkExample(example, inputs);
  } catch (error) {
    if (!(error instanceof MltsError)) throw error;
    // That it is not there is told with the other files.
    if (error.code === 'RESOURCE_DOES_NOT_EXIST') return [];
    return [
      {
        level: 'warning',
        rule: 'unreadable-example',
        message: error.message,
        hint: error.hint ?? 'log the example again',
      },
    ];
  }
}

/** Formats that are, or hold, pickles of Python. */
const PICKLE = /\.(?:pkl|pickle|cloudpickle|joblib|dill|pt|pth)$/i;
/** Above this, memory and start-up are worth a thought: each worker loads it. */
const LARGE_BYTES = 1_000_000_000;

async function checkPickles({ folder }: LocalModel): Promise<readonly Finding[]> {
  const files = (await walkFolder(folder)).filter(({ kind }) => kind === 'file');
  const pickles = files.filter(({ path }) => PICKLE.test(path)).map(({ path }) => path);
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const findings: Finding[] = [];
  if (pickles.length > 0) {
    findings.push({
      level: 'note',
      rule: 'pickle',
      message: `${listWords(pickles)}: loading a pickle runs whatever code is in it`,
      hint: 'load it only where you trust who made it; formats like skops, ONNX and safetensors hold no code',
    });
  }
  if (bytes > LARGE_BYTES) {
    findings.push({
      level: 'note',
      rule: 'large-model',
      message: `its files have ${(bytes / 1e9).toFixed(1)} GB, which each worker loads`,
      hint: `choose --workers by the memory that is there; the largest files lie in ${join(folder, '')}`,
    });
  }
  return findings;
}
