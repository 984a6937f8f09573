/**
 * A text of a file, a command or another machine for a terminal, as long as it was: control characters, line breaks
 * among them, become spaces, so that it cannot move the cursor, colour what follows, or look like a line of ours.
 */
export function plain(text: string): string {
  return text.replaceAll(/[^\P{C}]/gu, ' ');
}

/** The same without spaces around it. */
export function oneLine(text: string): string {
  return plain(text).trim();
}
