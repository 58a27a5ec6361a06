/** The `docker_env` of an MLproject file, checked. */
export interface DockerEnvironment {
  readonly image: string;
  /** `/host:/container[:ro]`, as `docker run -v` takes them. */
  readonly volumes: readonly string[];
  /** A name: copied from our environment; a pair: set. */
  readonly environment: readonly (string | readonly [name: string, value: string])[];
}
