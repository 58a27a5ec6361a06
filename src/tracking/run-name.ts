import { randomInt } from 'node:crypto';
import type { Tag } from '../core/entities.ts';
import { InvalidInput } from '../core/errors.ts';

/** The tag in which MLflow keeps a run's name beside its `name` column. */
export const RUN_NAME_TAG = 'mlflow.runName';

const LONGEST_NAME = 20;

/**
 * The name of a new run, and its tags with `mlflow.runName` among them
 * (`mlflow/store/tracking/sqlalchemy_store.py`, `create_run`).
 *
 * @throws InvalidInput where the name and the tag say different things.
 */
export function nameRun(
  runName: string | undefined,
  tags: readonly Tag[],
): { readonly name: string; readonly tags: readonly Tag[] } {
  const tagged = tags.findLast((tag) => tag.key === RUN_NAME_TAG)?.value;
  if (runName && tagged && runName !== tagged) {
    throw new InvalidInput(
      `the run is named \`${runName}\`, its ${RUN_NAME_TAG} tag \`${tagged}\``,
      {
        hint: 'leave one of them out, or give both the same value',
      },
    );
  }
  const name = runName || tagged || makeRunName();
  const others = tags.filter((tag) => tag.key !== RUN_NAME_TAG);
  return { name, tags: [...others, { key: RUN_NAME_TAG, value: name }] };
}

/** A name that is easy to say: `calm-otter-417`, at most 20 characters, as MLflow's names. */
export function makeRunName(): string {
  for (;;) {
    const name = `${pick(QUALITIES)}-${pick(CREATURES)}-${randomInt(1_001)}`;
    if (name.length <= LONGEST_NAME) return name;
  }
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? '';
}

const QUALITIES =
  'able agile amber ample azure bold brave breezy bright brisk calm candid chipper civil clear clever copper coral cosmic crisp curious daring deft eager early earnest easy exact fair fancy fine fleet fond frank fresh gentle giddy glad golden grand happy hardy honest humble ideal jade jolly keen kind lively loyal lucid lucky mellow merry mighty mild modest neat nimble noble open patient placid plucky polite proud quick quiet rapid ready rosy rustic sage serene sharp silent silver sleek smart snug solid spry stable steady stout sunny swift tidy trim true upbeat valid vivid warm whole wise witty young zesty'.split(
    ' ',
  );

const CREATURES =
  'ant auk badger bat bear beaver bee bison boar bream bunting camel carp cat civet cod colt condor coot crab crane cricket crow deer dingo dolphin dove duck eagle eel egret elk emu ermine falcon ferret finch fox frog gannet gecko gibbon goat goose grouse gull hare hawk hen heron horse hound ibex ibis jackal jay kite koala lark lemur lion lizard llama loon lynx magpie marten merlin mink mole moose moth mouse mule newt ocelot okapi orca oryx otter owl ox oyster panda parrot perch pika pike plover pony puffin puma quail ram raven robin rook salmon seal shad shark sheep shrew skink snail snipe sole stoat stork swan swift tapir tern tiger toad trout tuna turtle viper vole walrus wasp weasel whale wolf wombat wren yak zebra'.split(
    ' ',
  );
