import type { Terminal } from '../../host/terminal.ts';

export type OnProgress = (stage: string, percent: number) => void;

/**
 * Says `text` and shows how far git is. The spinner starts with the first progress that git reports:
 * until then git or ssh may be asking the user for a password on the same terminal.
 */
export async function showTransfer<T>(
  text: string,
  terminal: Terminal,
  work: (onProgress: OnProgress) => Promise<T>,
): Promise<T> {
  terminal.note(text);
  if (!terminal.isInteractive) return work(() => {});
  let spinner: Promise<unknown> | undefined;
  let update: (text: string) => void = () => {};
  const transfer = work((stage, percent) => {
    spinner ??= terminal.progress(text, async (change) => {
      update = change;
      await transfer;
    });
    update(`${text}: ${stage} ${percent}%`);
  });
  try {
    return await transfer;
  } finally {
    await spinner?.catch(() => {});
  }
}
