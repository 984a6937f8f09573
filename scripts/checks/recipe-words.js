import { lineAt, readSources } from './source-files.js';

/** Words of one training code or model; each recipe keeps its own to itself. */
const WORDS = /MindSpeed|HCCL|\bNPU-?SMI\b|GLM|\bmm-|Ascend(?!ing|ed|s\b)/i;

/**
 * Files that are allowed one of the words, with the reason. Kept short: each row is a leak that was judged harmless.
 */
const ALLOWED = [
  // The registry is the one place that names all recipes.
  'src/recipes/registry.ts',
];

/**
 * Checks that no word of a recipe stands outside of it, where it would become a special case.
 * @param {string} root
 * @returns {{ looked: number, findings: readonly import('./source-files.js').Finding[] }}
 */
export function checkRecipeWords(root) {
  const files = readSources(root, ['src'], ['.ts', '.js', '.mjs', '.cjs', '.py', '.sh']);
  const findings = files.filter(({ path }) => !isInRecipe(path) && !ALLOWED.includes(path)).flatMap(findWords);
  return { looked: files.length, findings };
}

/** A recipe is a folder under src/recipes; files beside the folders belong to all of them. */
function isInRecipe(path) {
  return /^src\/recipes\/[^/]+\//.test(path);
}

function findWords({ path, text }) {
  return [...text.matchAll(new RegExp(WORDS, 'gi'))].map((match) => ({
    file: path,
    line: lineAt(text, match.index),
    message: `"${match[0]}" is a word of a recipe; only its folder under src/recipes may know it`,
  }));
}
