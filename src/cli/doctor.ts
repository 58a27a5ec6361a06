import { Command, Option } from 'commander';
import type { ProcessContext } from '../host/process-context.ts';

interface DoctorFlags {
  readonly maskEnvs?: boolean;
  readonly output: 'text' | 'json';
}

/** `mlflow doctor`: what a bug report needs, and what is broken with its mend; exit 1 where something is. */
export function doctorCommand(
  context: ProcessContext,
  finish: (exitCode: number) => void,
): Command {
  return new Command('doctor')
    .description(
      'show versions, stores, settings and programs for a bug report; tell what is broken',
    )
    .helpOption('-h, --help', 'show this help')
    .option('--mask-envs', 'show no value of any MLFLOW_* or MLTS_* variable (secrets never are)')
    .addOption(
      new Option('-o, --output <format>', 'how to show it')
        .choices(['text', 'json'])
        .default('text'),
    )
    .action(async ({ maskEnvs = false, output }: DoctorFlags) => {
      const { diagnose, listProblems } = await import('./doctor/diagnosis.ts');
      const { renderDiagnosis, toDiagnosisJson } = await import('./doctor/view.ts');
      const diagnosis = await diagnose(maskEnvs, context);
      context.terminal.print(
        output === 'json'
          ? JSON.stringify(toDiagnosisJson(diagnosis), null, 2)
          : renderDiagnosis(diagnosis),
      );
      const problems = listProblems(diagnosis);
      for (const problem of problems) context.terminal.fail(problem, { debug: context.debug });
      finish(problems.length === 0 ? 0 : 1);
    });
}
