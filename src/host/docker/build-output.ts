/** One event of a build: a line of its output, or what went wrong at which step. */
export type BuildOutput =
  | { readonly kind: 'step'; readonly text: string }
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string };

/** What the classic builder and BuildKit send: JSON lines, of which BuildKit's hold a message of its own. */
export interface BuildEvent {
  readonly id?: string;
  readonly stream?: string;
  readonly error?: string;
  readonly aux?: unknown;
}

interface Trace {
  readonly vertexes: readonly {
    readonly digest: string;
    readonly name: string;
    readonly started?: unknown;
    readonly completed?: unknown;
    readonly cached: boolean;
    readonly error: string;
  }[];
  readonly logs: readonly { readonly msg: string }[];
}

/** As Docker's classic builder writes it, and as Podman does. */
const STEP_LINE = /^(?:Step \d+\/\d+ : |(?:\[\d+\/\d+\] )?STEP \d+\/\d+: )(.*)/;

/** Reads one event after the other. BuildKit tells of a step several times; each is passed on once. */
export class BuildOutputReader {
  readonly #told = new Set<string>();
  #decode: ((aux: string) => Trace) | undefined;

  async read(event: BuildEvent): Promise<readonly BuildOutput[]> {
    if (event.error !== undefined) return [{ kind: 'failed', text: event.error.trim() }];
    if (event.id === 'moby.buildkit.trace') return this.#readTrace(String(event.aux));
    return splitLines(event.stream).map((text) => {
      const step = STEP_LINE.exec(text)?.[1];
      return step === undefined ? { kind: 'line', text } : { kind: 'step', text: step };
    });
  }

  async #readTrace(aux: string): Promise<readonly BuildOutput[]> {
    this.#decode ??= await createDecoder();
    const { vertexes, logs } = this.#decode(aux);
    const steps = vertexes.flatMap(({ digest, name, started, cached, error }): BuildOutput[] => {
      if (error !== '') return [{ kind: 'step', text: toInstruction(name) }];
      if (name.startsWith('[internal]') || !(started || cached)) return [];
      if (this.#told.has(digest)) return [];
      this.#told.add(digest);
      return [
        { kind: 'step', text: cached ? `${toInstruction(name)} (cached)` : toInstruction(name) },
      ];
    });
    const text = Buffer.concat(logs.map(({ msg }) => Buffer.from(msg, 'base64'))).toString();
    return [
      ...steps,
      ...splitLines(text).map((line): BuildOutput => ({ kind: 'line', text: line })),
    ];
  }
}

/** What is read here of BuildKit's own definitions (`api/services/control/control.proto`). */
const MESSAGES = `
syntax = "proto3";
message Status { repeated Vertex vertexes = 1; repeated Log logs = 3; }
message Vertex {
  string digest = 1;
  string name = 3;
  bool cached = 4;
  Time started = 5;
  Time completed = 6;
  string error = 7;
}
message Log { bytes msg = 4; }
message Time { int64 seconds = 1; }
`;

async function createDecoder(): Promise<(aux: string) => Trace> {
  const { default: protobuf } = await import('protobufjs');
  const status = protobuf.parse(MESSAGES).root.lookupType('Status');
  return (aux) => {
    const message = status.decode(Buffer.from(aux, 'base64'));
    return status.toObject(message, { bytes: String, defaults: true }) as Trace;
  };
}

/** `[packages 4/4] RUN sh install.sh` */
function toInstruction(name: string): string {
  return name.replace(/^\[[^\]]*\] /, '');
}

function splitLines(text: string | undefined): readonly string[] {
  return (text ?? '').split(/[\r\n]+/).filter((line) => line.trim() !== '');
}
