import type { Endpoint, PathValues } from './endpoint.ts';

/** What a request's path leads to. */
export interface Match {
  /** By method. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly pathValues: PathValues;
}

const NO_VALUES: PathValues = {};

interface Pattern {
  readonly parts: readonly string[];
  readonly endpoints: Map<string, Endpoint>;
}

/**
 * Finds endpoints by their path. Paths without values in them, which are nearly all, are looked up in one step.
 * `{name}` stands for one part of a path, `{name*}` at its end for all that is left.
 */
export class Router {
  readonly #exact = new Map<string, Match & { readonly endpoints: Map<string, Endpoint> }>();
  readonly #patterns = new Map<string, Pattern>();

  add(path: string, endpoint: Endpoint): void {
    if (path.includes('{')) {
      const pattern = this.#patterns.get(path) ?? { parts: path.split('/'), endpoints: new Map() };
      this.#patterns.set(path, pattern);
      pattern.endpoints.set(endpoint.method, endpoint);
      return;
    }
    const match = this.#exact.get(path) ?? { endpoints: new Map(), pathValues: NO_VALUES };
    this.#exact.set(path, match);
    match.endpoints.set(endpoint.method, endpoint);
  }

  find(path: string): Match | undefined {
    return this.#exact.get(path) ?? this.#findPattern(path);
  }

  #findPattern(path: string): Match | undefined {
    const parts = path.split('/');
    for (const { parts: pattern, endpoints } of this.#patterns.values()) {
      const pathValues = matchParts(pattern, parts);
      if (pathValues !== undefined) return { endpoints, pathValues };
    }
    return undefined;
  }
}

function matchParts(pattern: readonly string[], parts: readonly string[]): PathValues | undefined {
  const values: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const part = parts[index];
    if (part === undefined) return undefined;
    if (!wanted.startsWith('{')) {
      if (wanted !== part) return undefined;
      continue;
    }
    const takesRest = wanted.endsWith('*}');
    const value = decode(takesRest ? parts.slice(index).join('/') : part);
    if (value === undefined || value === '') return undefined;
    values[wanted.slice(1, takesRest ? -2 : -1)] = value;
    if (takesRest) return values;
  }
  return parts.length === pattern.length ? values : undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
