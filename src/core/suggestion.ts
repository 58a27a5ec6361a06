import { distance } from 'fastest-levenshtein';

/**
 * The candidate that `name` was probably meant to be: a third of its letters differ at most, or half
 * where both begin alike (case counts for nothing); undefined where nothing is that near.
 */
export function suggestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const near = candidates
    .filter((candidate) => candidate !== name)
    .map((candidate) => ({ candidate, edits: distance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= mostEdits(wanted, candidate.toLowerCase()))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.candidate;
}

function mostEdits(wanted: string, candidate: string): number {
  const length = Math.max(wanted.length, candidate.length);
  return wanted.charAt(0) === candidate.charAt(0) ? length / 2 : length / 3;
}
