import { checkTargetPath } from '../../artifacts/artifact-path.ts';
import { showSize } from '../../artifacts/byte-size.ts';
import type { UploadSummary, UploadTarget } from '../../artifacts/upload.ts';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';

/**
 * Where the artifacts of a run go.
 *
 * @throws NotFound for an unknown run, InvalidInput for a deleted one and for a path that leads out.
 */
export async function findUploadTarget(
  runId: string,
  artifactPath: string | undefined,
  context: Context,
): Promise<UploadTarget> {
  const folder = checkTargetPath(artifactPath ?? '');
  return withTrackingStore(context, async (store) => {
    const { refuseDeleted } = await import('../../tracking/lifecycle.ts');
    const { info } = await store.getRun(runId);
    refuseDeleted('run', runId, info.lifecycleStage);
    return { base: info.artifactUri, folder, trackingUri: store.uri };
  });
}

/** `3 files, 1.2 MB`. */
export function describeUpload({ files, sizeBytes }: UploadSummary): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, ${showSize(sizeBytes)}`;
}
