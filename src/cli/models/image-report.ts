import type { Terminal } from '../../host/terminal.ts';
import type { ModelImage } from '../../images/model-image.ts';
import type { InstalledPackage } from '../../images/packages.ts';
import { type Column, printRows } from '../output.ts';

/** What came of a build. */
export interface ImageReport {
  readonly image: ModelImage;
  /** The largest first. */
  readonly packages: readonly InstalledPackage[];
  /** As others pull them: `registry.example/team/model@sha256:...` */
  readonly pushed: readonly string[];
  readonly seconds: number;
}

export async function printAsJson(
  { image, packages, pushed, seconds }: ImageReport,
  terminal: Terminal,
): Promise<void> {
  const shown = {
    image: image.names[0],
    tags: image.names,
    digest: image.id,
    context_digest: image.contextDigest,
    pushed,
    size: image.sizeBytes,
    seconds,
    layers: image.layers.map(({ instruction, sizeBytes: size }) => ({ instruction, size })),
    packages: packages.map(({ name, version, sizeBytes: size }) => ({ name, version, size })),
  };
  terminal.print(JSON.stringify(shown, null, 2));
}

interface Part {
  readonly what: string;
  readonly sizeBytes: number;
}

/** Of the largest packages. */
const MOST_PACKAGES = 10;
const COLUMNS: readonly Column<Part>[] = [
  { heading: 'size_mb', cell: ({ sizeBytes }) => toMegabytes(sizeBytes, 1).padStart(7) },
  { heading: 'what', cell: ({ what }) => what },
];

export async function printForPeople(
  { image, packages, pushed, seconds }: ImageReport,
  terminal: Terminal,
): Promise<void> {
  const layers = image.layers.map(({ instruction, sizeBytes }) => ({
    what: shorten(instruction),
    sizeBytes,
  }));
  const largest = packages.slice(0, MOST_PACKAGES).map(({ name, version, sizeBytes }) => ({
    what: `  ${name} ${version}`,
    sizeBytes,
  }));
  await printRows([...layers, ...largest], COLUMNS, 'table', terminal);
  const size = `${toMegabytes(image.sizeBytes, 0)} MB`;
  terminal.note(`built ${image.names.join(', ')}: ${size} in ${seconds.toFixed(1)} s`);
  for (const name of pushed) terminal.note(`pull it: docker pull ${name}`);
  terminal.note(`start it: docker run -p 5001:8080 ${image.names[0]}`);
}

function toMegabytes(bytes: number, digits: number): string {
  return (bytes / 1e6).toFixed(digits);
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
