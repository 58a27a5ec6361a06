const ESCAPE = '\x1b';
/** Colours and weights, as chalk writes them; what hides text (`8`) is none of them. */
const STYLE = new RegExp(`${ESCAPE}\\[(?:[0-79]|[1-9]\\d)m`, 'g');
/** Control characters but tab and line feed, and those that turn the direction of text around. */
const UNSAFE = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * The text as a terminal may be given it: what others wrote (git's servers, projects, MLflow servers)
 * could else move the cursor, retitle the window or answer for the user. Such characters are shown as
 * escapes; line ends of any kind become line feeds; styles stay only with `keepStyles`.
 */
export function makePrintable(
  text: string,
  { keepStyles }: { readonly keepStyles: boolean },
): string {
  const lines = text.replace(/\r+\n?/g, '\n');
  if (!keepStyles) return escapeUnsafe(lines.replace(STYLE, ''));
  const styles = lines.match(STYLE) ?? [];
  return lines
    .split(STYLE)
    .map((part, index) => escapeUnsafe(part) + (styles[index] ?? ''))
    .join('');
}

/** As JSON writes them, so that JSON stays what it is. */
function escapeUnsafe(text: string): string {
  return text.replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
