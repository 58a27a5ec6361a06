import type { Tag } from '../../core/entities.ts';
import type { Proceed } from '../app.ts';
import type { Answer, Call, Wire } from '../endpoint.ts';
import type { Access, Reader } from './access.ts';
import { isPrompt } from './places.ts';
import type { Json } from './redaction.ts';
import { readExperimentId, textOf } from './rule.ts';

interface Search {
  /** The answer's list. */
  readonly list: string;
  /** How many are wanted where the request says nothing. */
  readonly usual: number;
  /** Whether more is asked for until as many are found as are wanted. */
  readonly refills: boolean;
  makeReader(access: Access): Promise<(item: Json) => boolean>;
}

const SEARCHES: Readonly<Record<string, Search>> = {
  searchExperiments: {
    list: 'experiments',
    usual: 0,
    refills: true,
    makeReader: async (access) => {
      const canRead = await access.reader('experiment');
      return ({ experiment_id: id }) => canRead(String(id));
    },
  },
  searchLoggedModels: {
    list: 'models',
    usual: 100,
    refills: true,
    makeReader: async (access) => {
      const canRead = await access.reader('experiment', 'logged_model');
      return ({ info }) => canRead(textOf((info ?? {}) as Json, 'experiment_id'));
    },
  },
  searchRegisteredModels: {
    list: 'registered_models',
    usual: 100,
    refills: true,
    makeReader: async (access) =>
      readByKind(await access.reader('registered_model'), await access.reader('prompt')),
  },
  searchModelVersions: {
    list: 'model_versions',
    usual: 0,
    refills: false,
    makeReader: async (access) =>
      readByKind(
        await access.reader('registered_model', 'registered_model_version'),
        await access.reader('prompt', 'prompt_version'),
      ),
  },
};

function readByKind(model: Reader, prompt: Reader): (item: Json) => boolean {
  return ({ name, tags }) => (isPrompt(listTags(tags)) ? prompt : model)(String(name));
}

function listTags(tags: unknown): readonly Tag[] {
  return Array.isArray(tags) ? (tags as Tag[]) : [];
}

/**
 * Leaves out of a search what the caller may not read, and goes on through the pages until there are as many as
 * were asked for (`filter_search_experiments` and its like). Undefined: this call is no such search.
 */
export async function filterSearch(
  call: Call,
  proceed: Proceed,
  access: Access,
): Promise<Answer | undefined> {
  if (call.rpc === 'searchRuns') return searchReadableRuns(call, proceed, access);
  const search = SEARCHES[call.rpc];
  if (search === undefined) return undefined;
  const canRead = await search.makeReader(access);
  const wanted = Number(call.message.max_results ?? 0) || search.usual;
  const found: Json[] = [];
  let { message } = call;
  for (;;) {
    const answer = await proceed(message);
    if (!('message' in answer)) return answer;
    const page = answer.message;
    found.push(...listOf(page, search.list).filter(canRead));
    const token = page.next_page_token;
    const isFull = !search.refills || found.length >= wanted;
    if (isFull || typeof token !== 'string' || token === '') {
      return { message: { ...page, ...nameList(search.list, found) } };
    }
    message = { ...message, max_results: wanted - found.length, page_token: token };
  }
}

/** What is not there is left out, as everywhere in the API. */
function nameList(name: string, items: readonly Json[]): Json {
  return { [name]: items.length === 0 ? undefined : items };
}

function listOf(page: Wire, name: string): readonly Json[] {
  const list = page[name];
  return Array.isArray(list) ? (list as Json[]) : [];
}

async function searchReadableRuns(
  { message }: Call,
  proceed: Proceed,
  access: Access,
): Promise<Answer> {
  const asked = Array.isArray(message.experiment_ids) ? message.experiment_ids.map(String) : [];
  const canRead = await access.reader('experiment', 'run');
  const readable = asked.filter((id) => canRead(readExperimentId(id)));
  return proceed({ ...message, experiment_ids: readable });
}
