import { distance } from 'fastest-levenshtein';

/**
 * The candidate that `name` was probably meant to be: at most a third of its letters differ (case
 * counts for nothing); undefined where nothing is that near.
 */
export function suggestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const near = candidates
    .filter((candidate) => candidate !== name)
    .map((candidate) => ({ candidate, edits: distance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits * 3 <= Math.max(name.length, candidate.length))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.candidate;
}
