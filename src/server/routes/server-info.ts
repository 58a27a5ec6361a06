import { type Endpoint, rpc } from '../endpoint.ts';
import type { Services } from '../services.ts';

/** What a client asks before it uses what not every server has (`mlflow/server/handlers.py`, `_get_server_info`). */
export function listServerEndpoints({ storeType, artifacts }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'getServerInfo',
      method: 'GET',
      path: '/mlflow/server-info',
      version: '3.0',
      fields: {},
      handle: async () => {
        const direct = await artifacts.findDirect();
        return {
          store_type: storeType,
          workspaces_enabled: false,
          trace_archival_enabled: false,
          multipart_uploads_enabled: direct !== undefined,
          multipart_downloads_enabled: direct?.signsAllDownloads === true,
          presigned_upload_run_id_supported: true,
          presigned_upload_model_id_supported: true,
          features_enabled: { gateway: false },
        };
      },
    }),
  ];
}
