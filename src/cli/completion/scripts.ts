import bash from './mlts.bash';
import fish from './mlts.fish';
import zsh from './mlts.zsh';

/** What each shell loads; all three ask `mlts __complete` and hold no list of verbs or options. */
export const scripts = { bash, zsh, fish } as const;
