import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Docker } from './daemon.ts';
import type { RegistryCredentials } from './images.ts';

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

/** Of BuildKit's own definitions (`session/secrets/secrets.proto`, `session/auth/auth.proto`), what is answered here. */
const MESSAGES = `
syntax = "proto3";
message GetSecretRequest { string ID = 1; }
message GetSecretResponse { bytes data = 1; }
message CredentialsRequest { string Host = 1; }
message CredentialsResponse { string Username = 1; string Secret = 2; }
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
  server.createConnectionInjector(grpc.ServerCredentials.createInsecure()).injectConnection(socket);
  const close = (): void => {
    server.forceShutdown();
    socket.destroy();
  };
  return { id, close };
}

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
      if (error) reject(error);
      else resolve(socket as Duplex);
    });
  });
}
