import { InvalidInput } from '../core/errors.ts';

/** What is found while a file is read: gathered, so that all of it can be told at once. */
export interface FileReport {
  /** The file's name as messages show it. */
  readonly file: string;
  readonly problems: readonly InvalidInput[];
  readonly warnings: readonly string[];
  addProblem(line: number | undefined, message: string, hint?: string): void;
  addWarning(line: number | undefined, message: string): void;
}

export function createFileReport(file: string): FileReport {
  const problems: InvalidInput[] = [];
  const warnings: string[] = [];
  return {
    file,
    problems,
    warnings,
    addProblem: (line, message, hint) =>
      void problems.push(new InvalidInput(`${message}${placeIn(file, line)}`, { hint })),
    addWarning: (line, message) => void warnings.push(`${message}${placeIn(file, line)}`),
  };
}

/** ` (MLproject:7)`, to end a message with; empty where there is no file. */
export function placeIn(file: string | undefined, line: number | undefined): string {
  if (file === undefined) return '';
  return line === undefined ? ` (${file})` : ` (${file}:${line})`;
}
