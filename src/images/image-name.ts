import { InvalidInput } from '../core/errors.ts';

const HOST = String.raw`(?:[\w-]+(?:\.[\w-]+)*|\[[\da-fA-F:]+\])(?::\d+)?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*`;
/** What Docker takes for the name of an image that is built (`distribution/reference`). */
const NAME = new RegExp(String.raw`^(?:${HOST}/)?${PART}(?:/${PART})*(?::\w[\w.-]{0,127})?$`);

/** @throws InvalidInput before anything is built under a name that nothing can have. */
export function checkImageName(name: string): void {
  if (NAME.test(name)) return;
  throw new InvalidInput(`\`${name}\` is no name of an image`, {
    hint: 'write [REGISTRY/]NAME[:TAG], the name in small letters: registry.example:5000/team/model:1',
  });
}
