import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type Env, variables } from '../../core/environment-variables.ts';
import type { Docker } from './daemon.ts';
import { explainDockerError } from './error.ts';
import type { RegistryCredentials } from './images.ts';

/** Whether the daemon builds with BuildKit unless it is told otherwise, as `docker build` decides. */
export async function hasBuildKit({ engine }: Docker, env: Env): Promise<boolean> {
  const { Version = '', Components = [] } = (await engine.version()) as {
    readonly Version?: string;
    readonly Components?: readonly { readonly Name: string }[];
  };
  if (Components.some(({ Name }) => /podman/i.test(Name))) return false;
  const wish = env[variables.dockerBuildKit];
  return wish ? wish !== '0' : Number.parseInt(Version, 10) >= FIRST_WITH_BUILDKIT;
}

/** Of Docker: from it on BuildKit is what builds, as long as nobody asks for the old builder. */
const FIRST_WITH_BUILDKIT = 23;

/** What BuildKit may ask its client for while it builds. */
export interface BuildSessionOptions {
  /** By id. */
  readonly secrets: ReadonlyMap<string, Buffer>;
  /** For a registry that a base image comes from. */
  findCredentials(host: string): Promise<RegistryCredentials | undefined>;
}

export interface BuildSession {
  readonly id: string;
  close(): void;
}

/** What is answered here of `session/secrets/secrets.proto` and `session/auth/auth.proto` in BuildKit, and of gRPC's `health.proto`. */
const MESSAGES = `
syntax = "proto3";
message GetSecretRequest { string ID = 1; }
message GetSecretResponse { bytes data = 1; }
message CredentialsRequest { string Host = 1; }
message CredentialsResponse { string Username = 1; string Secret = 2; }
message HealthRequest { string service = 1; }
message HealthResponse { int32 status = 1; }
`;

/**
 * Opens the connection over which BuildKit asks for secrets and credentials, each when a step needs it: they
 * are in no layer, no history and no build argument.
 */
export async function openBuildSession(
  docker: Docker,
  options: BuildSessionOptions,
): Promise<BuildSession> {
  const [grpc, services] = await Promise.all([import('@grpc/grpc-js'), describeServices()]);
  const id = randomUUID();
  const socket = await dialSession(docker, id);
  const server = new grpc.Server();
  server.addService(services.secrets, {
    GetSecret: (call: { request: { ID: string } }, answer: Answer) => {
      const data = options.secrets.get(call.request.ID);
      if (data !== undefined) answer(null, { data });
      else answer({ code: grpc.status.NOT_FOUND, details: `no secret ${call.request.ID}` });
    },
  });
  server.addService(services.auth, {
    Credentials: (call: { request: { Host: string } }, answer: Answer) => {
      options.findCredentials(call.request.Host).then(
        (found) => answer(null, { Username: found?.username ?? '', Secret: found?.password ?? '' }),
        () => answer(null, {}),
      );
    },
  });
  // BuildKit gives a session up that does not say it is well.
  server.addService(services.health, {
    Check: (_call: unknown, answer: Answer) => answer(null, { status: SERVING }),
  });
  server.createConnectionInjector(grpc.ServerCredentials.createInsecure()).injectConnection(socket);
  const close = (): void => {
    server.forceShutdown();
    socket.destroy();
  };
  return { id, close };
}

/** Of gRPC's `ServingStatus`. */
const SERVING = 1;

type Answer = (error: object | null, value?: object) => void;

async function describeServices() {
  const { default: protobuf } = await import('protobufjs');
  const { root } = protobuf.parse(MESSAGES, { keepCase: true });
  const describe = (path: string, request: string, response: string) => {
    const [asked, answered] = [root.lookupType(request), root.lookupType(response)];
    return {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: object) => Buffer.from(asked.encode(value).finish()),
      requestDeserialize: (bytes: Buffer) => asked.decode(bytes),
      responseSerialize: (value: object) => Buffer.from(answered.encode(value).finish()),
      responseDeserialize: (bytes: Buffer) => answered.decode(bytes),
    };
  };
  const [secrets, auth] = ['moby.buildkit.secrets.v1.Secrets', 'moby.filesync.v1.Auth'];
  return {
    secrets: {
      GetSecret: describe(`/${secrets}/GetSecret`, 'GetSecretRequest', 'GetSecretResponse'),
    },
    health: {
      Check: describe('/grpc.health.v1.Health/Check', 'HealthRequest', 'HealthResponse'),
    },
    auth: {
      Credentials: describe(`/${auth}/Credentials`, 'CredentialsRequest', 'CredentialsResponse'),
    },
  };
}

function dialSession({ engine }: Docker, id: string): Promise<Duplex> {
  const request = {
    method: 'POST',
    path: '/session',
    hijack: true,
    headers: {
      Upgrade: 'h2c',
      'X-Docker-Expose-Session-Uuid': id,
      'X-Docker-Expose-Session-Name': 'mlts',
      'X-Docker-Expose-Session-Grpc-Method': [
        '/moby.buildkit.secrets.v1.Secrets/GetSecret',
        '/moby.filesync.v1.Auth/Credentials',
      ],
    },
    statusCodes: { 101: true, 200: true, 500: 'server error' },
  };
  return new Promise((resolve, reject) => {
    engine.modem.dial(request as never, (error: unknown, socket: unknown) => {
      if (error) reject(explainDockerError(error, { action: 'open', subject: 'a build session' }));
      else resolve(socket as Duplex);
    });
  });
}
