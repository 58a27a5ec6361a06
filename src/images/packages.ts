import type { Docker } from '../host/docker/daemon.ts';
import { readImageFile } from '../host/docker/image-contents.ts';
import { PACKAGE_LIST } from './install-files.ts';

/** A Python package in an image. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Of its files that are still there. */
  readonly sizeBytes: number;
  /** As its author wrote it; '' where he did not. */
  readonly license: string;
}

/** The packages of the model in an image, the largest first; none where they are installed when it starts. */
export async function readPackages(
  docker: Docker,
  image: string,
): Promise<readonly InstalledPackage[]> {
  const text = await readImageFile(docker, image, PACKAGE_LIST);
  if (text === undefined) return [];
  const found = JSON.parse(text) as readonly InstalledPackage[];
  return found.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
}
