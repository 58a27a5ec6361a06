declare const MLTS_VERSION: string;

/** From package.json, put in by the bundler; `0.0.0` when the sources are run unbundled. */
export const version = typeof MLTS_VERSION === 'undefined' ? '0.0.0' : MLTS_VERSION;
