/** The hidden first word with which shells ask what may stand at the cursor (`completion/complete.ts`). */
export const COMPLETING = '__complete';
