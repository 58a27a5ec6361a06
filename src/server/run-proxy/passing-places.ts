import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { joinStart, readStart } from '../../host/stream-start.ts';
import { ArtifactPlaces, type Place } from '../artifact-places.ts';
import type { ArtifactAddresses } from './artifact-addresses.ts';

/** Larger ones are none of MLflow's. */
const MOST_MLMODEL_BYTES = 1_000_000;
const PLACE_LINE = /^artifact_path: (mlflow-artifacts:\S+)$/m;

/** Where artifacts lie that pass through the proxy of a run; what they say of their own place is true afterwards. */
export class PassingPlaces extends ArtifactPlaces {
  readonly #addresses: ArtifactAddresses;

  constructor(
    addresses: ArtifactAddresses,
    trackingUri: string,
    context: ConstructorParameters<typeof ArtifactPlaces>[1],
  ) {
    const findPassing = (path: string) => addresses.find(path);
    const served = { servesArtifacts: true, destination: '', presignedSeconds: 0 };
    super({ ...served, trustedLocations: [], trackingUri, findPassing }, context);
    this.#addresses = addresses;
  }

  override async receive(place: Place, stream: Readable, signal: AbortSignal): Promise<void> {
    if (posix.basename(place.path) !== 'MLmodel') return super.receive(place, stream, signal);
    const { bytes, isWhole } = await readStart(stream, MOST_MLMODEL_BYTES);
    const pieces = isWhole
      ? [Buffer.from(await this.#correct(bytes.toString()))]
      : joinStart(bytes, stream);
    return super.receive(place, Readable.from(pieces), signal);
  }

  /** MLflow 3 writes the address of a logged model into its MLmodel file. */
  async #correct(mlmodel: string): Promise<string> {
    const shown = PLACE_LINE.exec(mlmodel)?.[1];
    if (shown === undefined) return mlmodel;
    const kept = await this.#addresses.keep(shown);
    const isPlain = /^[\w./@+~-]+$/.test(kept);
    return mlmodel.replace(
      PLACE_LINE,
      () => `artifact_path: ${isPlain ? kept : JSON.stringify(kept)}`,
    );
  }
}
