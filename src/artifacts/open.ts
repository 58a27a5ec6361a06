import type { Context } from '../host/context.ts';
import {
  PROXY_PATH,
  resolveLocalPath,
  resolveProxyUri,
  schemeOf,
  splitUri,
  unsupportedScheme,
} from './artifact-uri.ts';
import { openLocalStore } from './local-store.ts';
import type { ArtifactStore } from './store.ts';

/**
 * Opens the store that has its root at `base`; what a kind of store needs is loaded with the first of
 * its kind.
 *
 * @throws MltsError NOT_IMPLEMENTED for a scheme that mlts cannot read.
 */
export async function openArtifactStore(
  base: string,
  context: Context,
  trackingUri: string,
): Promise<ArtifactStore> {
  switch (schemeOf(base)) {
    case '':
    case 'file':
      return openLocalStore(resolveLocalPath(base, context.cwd));
    case 's3': {
      const { openS3Store } = await import('./s3-store.ts');
      return openS3Store(base, context);
    }
    case 'gs': {
      const { openGcsStore } = await import('./gcs-store.ts');
      return openGcsStore(base, context);
    }
    case 'wasb':
    case 'wasbs':
    case 'abfs':
    case 'abfss': {
      const { openAzureStore } = await import('./azure-store.ts');
      return openAzureStore(base, context);
    }
    case 'dbfs': {
      const { openDbfsStore } = await import('./dbfs-store.ts');
      return openDbfsStore(base, context, trackingUri);
    }
    case 'mlflow-artifacts': {
      const { openProxyStore } = await import('./proxy-store.ts');
      return openProxyStore(resolveProxyUri(base, trackingUri), context, trackingUri);
    }
    case 'http':
    case 'https':
      return openWebStore(base, context, trackingUri);
    default:
      throw unsupportedScheme(base);
  }
}

async function openWebStore(
  base: string,
  context: Context,
  trackingUri: string,
): Promise<ArtifactStore> {
  if (!base.includes(PROXY_PATH)) {
    const { openWebFile } = await import('./web-file-store.ts');
    return openWebFile(base, context);
  }
  const { openProxyStore } = await import('./proxy-store.ts');
  return openProxyStore(splitUri(base), context, trackingUri);
}
