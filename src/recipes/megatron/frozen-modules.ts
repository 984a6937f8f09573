/**
 * Reads the line in which a training says which modules it does not train, or null. One line tells them all as a set
 * (`Set modules not trainable: {'visual.blocks'}`, `set()` for none); older code prints a list for each part, and calls
 * every part "vision model".
 */
export function parseFrozen(line: string): readonly string[] | null {
  const said = /Set [\w ]{1,40} not trainable: (set\(\)|\{[^}]{0,1000}\}|\[[^\]]{0,1000}\])/.exec(line)?.[1];
  return said === undefined ? null : [...said.matchAll(/'([^']{1,200})'/g)].map(([, name = '']) => name);
}
