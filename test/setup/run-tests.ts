import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/**
 * `npm test`: lint, types, then every test. Arguments are passed on to vitest (`npm test -- test/cli`).
 * The last line is `N passed, N failed`, with `, N skipped` where a machine could not have something.
 */
interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

async function runStep(name: string, file: string, args: readonly string[]): Promise<boolean> {
  console.log(`\n> ${name}`);
  const { exitCode } = await execa(file, args, {
    stdio: 'inherit',
    reject: false,
    preferLocal: true,
  });
  return exitCode === 0;
}

async function runVitest(args: readonly string[]): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-report-'));
  const report = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  try {
    const ok = await runStep('tests', 'vitest', ['run', ...reporters, ...args]);
    const counts = countTests(JSON.parse(await readFile(report, 'utf8')) as VitestReport);
    return ok || counts.failed > 0 ? counts : { ...counts, failed: 1 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file that failed before its first test (a broken import or set-up) counts as one failure. */
function countTests(report: VitestReport): Counts {
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests,
  };
}

const checks = [
  await runStep('lint', 'biome', ['check', '.']),
  await runStep('types', 'tsc', ['--noEmit']),
];
const tests = await runVitest(process.argv.slice(2)).catch((error: unknown): Counts => {
  console.error(error);
  return { passed: 0, failed: 1, skipped: 0 };
});
const passed = tests.passed + checks.filter(Boolean).length;
const failed = tests.failed + checks.filter((ok) => !ok).length;
console.log(
  `\n${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`,
);
process.exitCode = failed === 0 && tests.passed > 0 ? 0 : 1;
