import { InvalidInput } from './errors.ts';

/**
 * Every environment variable that mlts reads or sets, in one place. Names that start with `MLFLOW_`
 * mean what they mean in MLflow (`mlflow/environment_variables.py`).
 */
export type Env = Readonly<Record<string, string | undefined>>;

export const variables = {
  trackingUri: 'MLFLOW_TRACKING_URI',
  trackingUsername: 'MLFLOW_TRACKING_USERNAME',
  trackingPassword: 'MLFLOW_TRACKING_PASSWORD',
  trackingToken: 'MLFLOW_TRACKING_TOKEN',
  trackingInsecureTls: 'MLFLOW_TRACKING_INSECURE_TLS',
  trackingServerCertPath: 'MLFLOW_TRACKING_SERVER_CERT_PATH',
  trackingClientCertPath: 'MLFLOW_TRACKING_CLIENT_CERT_PATH',
  httpRequestTimeout: 'MLFLOW_HTTP_REQUEST_TIMEOUT',
  httpRequestMaxRetries: 'MLFLOW_HTTP_REQUEST_MAX_RETRIES',
  httpRequestBackoffFactor: 'MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR',
  httpRequestBackoffJitter: 'MLFLOW_HTTP_REQUEST_BACKOFF_JITTER',
  httpRespectRetryAfter: 'MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER',
  httpAllowRedirects: 'MLFLOW_ALLOW_HTTP_REDIRECTS',
  trackingAuth: 'MLFLOW_TRACKING_AUTH',
  trackingAwsSigv4: 'MLFLOW_TRACKING_AWS_SIGV4',
  workspace: 'MLFLOW_WORKSPACE',
  truncateLongValues: 'MLFLOW_TRUNCATE_LONG_VALUES',
  /** Whether MLflow keeps the addresses of runs and models to itself. */
  suppressUrls: 'MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT',
  printModelUrls: 'MLFLOW_PRINT_MODEL_URLS_ON_CREATION',
  experimentName: 'MLFLOW_EXPERIMENT_NAME',
  experimentId: 'MLFLOW_EXPERIMENT_ID',
  runId: 'MLFLOW_RUN_ID',
  allowFileStore: 'MLFLOW_ALLOW_FILE_STORE',
  artifactsDestination: 'MLFLOW_ARTIFACTS_DESTINATION',
  artifactRoot: '_MLFLOW_SERVER_ARTIFACT_ROOT',
  environmentRoot: 'MLFLOW_ENV_ROOT',
  mlflowHome: 'MLFLOW_HOME',
  storageDirectory: 'MLFLOW_TMP_DIR',
  condaHome: 'MLFLOW_CONDA_HOME',
  condaCreateCommand: 'MLFLOW_CONDA_CREATE_ENV_CMD',
  s3EndpointUrl: 'MLFLOW_S3_ENDPOINT_URL',
  s3IgnoreTls: 'MLFLOW_S3_IGNORE_TLS',
  s3AddressingStyle: 'MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE',
  s3SignatureVersion: 'MLFLOW_EXPERIMENTAL_S3_SIGNATURE_VERSION',
  s3ExpectedBucketOwner: 'MLFLOW_S3_EXPECTED_BUCKET_OWNER',
  s3UploadExtraArguments: 'MLFLOW_S3_UPLOAD_EXTRA_ARGS',
  gcsUploadChunkSize: 'MLFLOW_GCS_UPLOAD_CHUNK_SIZE',
  azureConnectionString: 'AZURE_STORAGE_CONNECTION_STRING',
  azureAccessKey: 'AZURE_STORAGE_ACCESS_KEY',
  azureSasToken: 'AZURE_STORAGE_SAS_TOKEN',
  databricksProfile: 'DATABRICKS_CONFIG_PROFILE',
  databricksConfigFile: 'DATABRICKS_CONFIG_FILE',
  /** Seconds. */
  artifactTimeout: 'MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT',
  /** Whether large files go to where a server keeps them, and not through it; not set: as the server says. */
  proxyMultipartUpload: 'MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD',
  proxyMultipartDownload: 'MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD',
  /** Bytes. */
  multipartUploadMinimum: 'MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE',
  multipartUploadChunk: 'MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE',
  presignedDownloadSeconds: 'MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS',
  registryUri: 'MLFLOW_REGISTRY_URI',
  port: 'MLFLOW_PORT',
  host: 'MLFLOW_HOST',
  backendStoreUri: 'MLFLOW_BACKEND_STORE_URI',
  registryStoreUri: 'MLFLOW_REGISTRY_STORE_URI',
  defaultArtifactRoot: 'MLFLOW_DEFAULT_ARTIFACT_ROOT',
  serveArtifacts: 'MLFLOW_SERVE_ARTIFACTS',
  artifactsOnly: 'MLFLOW_ARTIFACTS_ONLY',
  workers: 'MLFLOW_WORKERS',
  staticPrefix: 'MLFLOW_STATIC_PREFIX',
  allowedHosts: 'MLFLOW_SERVER_ALLOWED_HOSTS',
  corsAllowedOrigins: 'MLFLOW_SERVER_CORS_ALLOWED_ORIGINS',
  disableSecurity: 'MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE',
  xFrameOptions: 'MLFLOW_SERVER_X_FRAME_OPTIONS',
  exposePrometheus: 'MLFLOW_EXPOSE_PROMETHEUS',
  authConfigPath: 'MLFLOW_AUTH_CONFIG_PATH',
  authAdminUsername: 'MLFLOW_AUTH_ADMIN_USERNAME',
  authAdminPassword: 'MLFLOW_AUTH_ADMIN_PASSWORD',
  scoringTimeout: 'MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT',
  modelsWorkers: 'MLFLOW_MODELS_WORKERS',
  /** Seconds between the first signal and SIGKILL for a run's processes; default 10. */
  graceSeconds: 'MLTS_GRACE_SECONDS',
  /** Seconds for which the end of a run is retried when its store has gone; default 120. */
  storeDeadlineSeconds: 'MLTS_STORE_DEADLINE_SECONDS',
  /** Seconds for which one request to a server is tried again; default 300. */
  retryDeadlineSeconds: 'MLTS_RETRY_DEADLINE_SECONDS',
  /** `1`: stacks and causes are shown with an error, as `--debug`. */
  debug: 'MLTS_DEBUG',
  /** The image on which Docker environments are built, instead of `python:<version>-slim`. */
  dockerBaseImage: 'MLTS_DOCKER_BASE_IMAGE',
  dockerHost: 'DOCKER_HOST',
  dockerContext: 'DOCKER_CONTEXT',
  dockerConfig: 'DOCKER_CONFIG',
  dockerCertPath: 'DOCKER_CERT_PATH',
  dockerTlsVerify: 'DOCKER_TLS_VERIFY',
  /** `0`: the classic builder, anything else: BuildKit; default: by the daemon's version. */
  dockerBuildKit: 'DOCKER_BUILDKIT',
  /** What makes the environment of the model in a container; set in images. */
  containerEnvironmentManager: 'MLTS_CONTAINER_ENV_MANAGER',
  /** Set in a generic image that was built with `--install-mlflow`. */
  containerInstallsMlflow: 'MLTS_CONTAINER_INSTALL_MLFLOW',
  gunicornArguments: 'GUNICORN_CMD_ARGS',
  /** Where git mirrors and compiled code are kept; default `$XDG_CACHE_HOME/mlts`. */
  cacheDirectory: 'MLTS_CACHE_DIR',
  /** The folder of downloaded models, or `off`; default `models` in the cache. */
  modelCache: 'MLTS_MODEL_CACHE',
  /** How much of downloaded models is kept, in gigabytes; default 20. */
  modelCacheGigabytes: 'MLTS_MODEL_CACHE_GB',
} as const;

/** `true` and `1` (any case) are true, as `mlflow.environment_variables._BooleanEnvironmentVariable`. */
export function readFlag(env: Env, name: string, absent = false): boolean {
  const text = env[name] ?? '';
  return text === '' ? absent : ['true', '1'].includes(text.toLowerCase());
}

/** A number from 0 to `largest`; `absent` where the variable is not set. @throws InvalidInput */
export function readNumber(env: Env, name: string, absent: number, largest = Infinity): number {
  const text = env[name] ?? '';
  if (text === '') return absent;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0 && value <= largest) return value;
  const range = largest === Infinity ? 'a number from 0' : `a number from 0 to ${largest}`;
  throw new InvalidInput(`${name} must be ${range}, got \`${text}\``);
}

/** Those of these variables that are set to something. */
export function pickVariables(env: Env, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (env[name] ? [[name, env[name]] as [string, string]] : [])),
  );
}
