/** `Foo.Bar`, `foo_bar` and `foo-bar` are one Python package (PEP 503). */
export function normalizePackageName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
