import { basename, dirname, join } from 'node:path';
import { InvalidInput } from '../../core/errors.ts';
import { sizeOfFile } from '../../host/file-transfer.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { moveFolder, removeFolder } from '../../host/folders.ts';
import { GrowingFile } from '../../host/growing-file.ts';
import type { ChunkAnswer, Columns } from './answer.ts';
import type { Agreement } from './crew.ts';
import type { OutputFormat } from './job.ts';

/** The input, model and settings of which the predictions are. */
export type Origin = Readonly<Record<string, unknown>>;

/** First line of the journal; `columns` where they were found by reading all of the input first. */
interface JournalStart {
  readonly origin: Origin;
  readonly columns?: Columns;
}

/** A line for each chunk that is done: `bytes` is the size of the partial file behind it. */
interface JournalEntry {
  readonly chunk: number;
  readonly rows: number;
  readonly bytes: number;
  readonly sizes: readonly number[];
  readonly agreed?: Agreement;
}

const HEAD = '{"predictions": [';
const TAIL = ']}';

/**
 * The predictions of the chunks that are done, in a file beside the output, and a journal of them, from which
 * another process can go on.
 */
export class PartialOutput {
  readonly #output: string;
  readonly #format: OutputFormat;
  readonly #file: GrowingFile;
  readonly #journal: GrowingFile;
  readonly #entries: JournalEntry[];
  #agreed: Agreement | undefined;

  private constructor(
    output: string,
    format: OutputFormat,
    files: { readonly file: GrowingFile; readonly journal: GrowingFile },
    {
      entries,
      columns,
    }: { readonly entries: readonly JournalEntry[]; readonly columns: Columns | undefined },
  ) {
    this.#output = output;
    this.#format = format;
    this.#file = files.file;
    this.#journal = files.journal;
    this.#entries = [...entries];
    this.#agreed = entries.find(({ agreed }) => agreed !== undefined)?.agreed;
    if (columns !== undefined) this.#agreed ??= { columns, output: null };
  }

  /**
   * Starts anew with these columns; undefined: those of the first chunk.
   *
   * @throws InvalidInput where nothing can be written beside the output.
   */
  static async start(
    output: string,
    format: OutputFormat,
    origin: Origin,
    columns: Columns | undefined,
  ): Promise<PartialOutput> {
    const [partial, journalPath] = namePartials(output);
    const journal = await GrowingFile.open(journalPath, 0);
    const start: JournalStart = { origin, ...(columns === undefined ? {} : { columns }) };
    await journal.append([encodeLine(start)]);
    const file = await GrowingFile.open(partial, 0);
    return new PartialOutput(output, format, { file, journal }, { entries: [], columns });
  }

  /**
   * Goes on where an earlier one was stopped; undefined where nothing of one is there.
   *
   * @throws InvalidInput where that was of another input, model or format.
   */
  static async resume(
    output: string,
    format: OutputFormat,
    origin: Origin,
  ): Promise<PartialOutput | undefined> {
    const [partial, journalPath] = namePartials(output);
    const [text, bytes] = [await readTextIfPresent(journalPath), await sizeOfFile(partial)];
    if (text === undefined || bytes === undefined) return undefined;
    const { start, entries, journalBytes } = readJournal(text, bytes);
    if (start === undefined) return undefined;
    if (JSON.stringify(start.origin) !== JSON.stringify(origin)) throw refuseJournal(journalPath);
    const journal = await GrowingFile.open(journalPath, journalBytes);
    const file = await GrowingFile.open(partial, entries.at(-1)?.bytes ?? 0);
    return new PartialOutput(
      output,
      format,
      { file, journal },
      { entries, columns: start.columns },
    );
  }

  /** Chunks that are done. */
  get chunks(): number {
    return this.#entries.length;
  }

  get rows(): number {
    return this.#entries.reduce((sum, { rows }) => sum + rows, 0);
  }

  get agreed(): Agreement | undefined {
    return this.#agreed;
  }

  /** Of all pieces in the file. */
  get sizes(): readonly number[] {
    return this.#entries.flatMap(({ sizes }) => sizes);
  }

  get path(): string {
    return namePartials(this.#output)[0];
  }

  /** The next chunk. @throws InvalidInput where it cannot be written (a full disk). */
  async append({ rows, columns, output, sizes, body }: ChunkAnswer): Promise<void> {
    const isFirst = this.#file.bytes === 0;
    const isList = this.#format === 'json';
    if (body.length > 0) {
      await this.#file.append(isList ? [Buffer.from(isFirst ? HEAD : ', '), body] : [body]);
    }
    const agrees = rows > 0 && (this.#agreed === undefined || this.#agreed.output === null);
    if (agrees) this.#agreed = { columns, output };
    const entry: JournalEntry = {
      chunk: this.#entries.length,
      rows,
      bytes: this.#file.bytes,
      sizes,
      ...(agrees && this.#agreed !== undefined ? { agreed: this.#agreed } : {}),
    };
    await this.#journal.append([encodeLine(entry)]);
    this.#entries.push(entry);
  }

  /** Gives the predictions their final name. @throws InvalidInput */
  async place(): Promise<void> {
    if (this.#format === 'json') {
      await this.#file.append([Buffer.from(this.#file.bytes === 0 ? `${HEAD}${TAIL}` : TAIL)]);
    }
    await moveFolder(this.path, this.#output);
    await this.discard();
  }

  async discard(): Promise<void> {
    await this.close();
    for (const path of namePartials(this.#output)) await removeFolder(path);
  }

  /** Leaves the files as they are. */
  async close(): Promise<void> {
    await this.#file.close();
    await this.#journal.close();
  }
}

/** The predictions so far, and the journal. */
function namePartials(output: string): readonly [string, string] {
  const name = basename(output);
  return [join(dirname(output), `${name}.partial`), join(dirname(output), `${name}.journal`)];
}

function encodeLine(entry: JournalStart | JournalEntry): Buffer {
  return Buffer.from(`${JSON.stringify(entry)}\n`);
}

interface Journal {
  readonly start: JournalStart | undefined;
  readonly entries: readonly JournalEntry[];
  readonly journalBytes: number;
}

/** Only lines that are whole count, and only what the partial file really has. */
function readJournal(text: string, partialBytes: number): Journal {
  const lines = text.split('\n').slice(0, -1);
  let journalBytes = 0;
  let start: JournalStart | undefined;
  const entries: JournalEntry[] = [];
  for (const line of lines) {
    const entry = parseLine(line);
    if (entry === undefined) break;
    if (start === undefined) start = entry as JournalStart;
    else if ((entry as JournalEntry).bytes > partialBytes) break;
    else entries.push(entry as JournalEntry);
    journalBytes += Buffer.byteLength(line) + 1;
  }
  return { start, entries, journalBytes };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function refuseJournal(path: string): InvalidInput {
  return new InvalidInput(`${path} belongs to another input, model or format`, {
    hint: 'leave out --resume to begin anew',
  });
}
