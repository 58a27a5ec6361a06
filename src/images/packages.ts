import { ToolError } from '../core/errors.ts';
import { runInImage } from '../host/docker/images.ts';
import { VENV } from './install-packages.ts';
import type { ImageWork } from './pull.ts';

/** A Python package in an image. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Of its files that are still there. */
  readonly sizeBytes: number;
  /** As its author wrote it; '' where he did not. */
  readonly license: string;
}

const LIST_PACKAGES = `
import json, os
from importlib.metadata import distributions
found = []
for one in distributions():
    paths = [one.locate_file(path) for path in one.files or []]
    size = sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
    meta = one.metadata
    text = meta.get("License-Expression") or meta.get("License") or ""
    found.append({"name": meta["Name"], "version": one.version, "sizeBytes": size, "license": text.split("\\n")[0][:100]})
print(json.dumps(found))
`;

/** The packages of the model in an image, the largest first. */
export async function listPackages(
  image: string,
  { docker }: ImageWork,
): Promise<readonly InstalledPackage[]> {
  const text = await runInImage(docker, image, [`${VENV}/bin/python`, '-c', LIST_PACKAGES]);
  try {
    const found = JSON.parse(text.trim().split('\n').at(-1) ?? '') as readonly InstalledPackage[];
    return found.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  } catch (cause) {
    throw new ToolError(`the image ${image} does not tell its packages: ${text.trim()}`, {
      stderr: text,
      cause,
    });
  }
}
