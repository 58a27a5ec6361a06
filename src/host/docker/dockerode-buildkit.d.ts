declare module 'dockerode/lib/buildkit.js' {
  const buildkit: {
    decodeBuildKitStatus(aux: string): {
      readonly vertexes: readonly {
        readonly digest: string;
        readonly name: string;
        readonly started?: unknown;
        readonly completed?: unknown;
        readonly cached: boolean;
        readonly error: string;
      }[];
      readonly logs: readonly { readonly msg: string }[];
    };
  };
  // biome-ignore lint/style/noDefaultExport: it is a CommonJS module.
  export default buildkit;
}
