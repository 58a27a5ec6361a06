/** For options that may be given more than once: `-P a=1 -P b=2`. */
export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}
