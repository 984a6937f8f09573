import { checkActivityOptions } from './activity-options.js';
import { checkDescribedFields } from './described-fields.js';
import { checkDocumentedExports } from './documented-exports.js';
import { checkEnvironmentAccess } from './environment-access.js';
import { checkFileSize } from './file-size.js';
import { checkImportDirections } from './import-directions.js';
import { checkMachineAccess } from './machine-access.js';
import { checkRecipeWords } from './recipe-words.js';

/** The checks of our own rules, by the name that people read. */
export const ARCHITECTURE_CHECKS = {
  'import directions': checkImportDirections,
  'recipe words': checkRecipeWords,
  'file size': checkFileSize,
  'environment access': checkEnvironmentAccess,
  'machine access': checkMachineAccess,
  'activity options': checkActivityOptions,
  'documented exports': checkDocumentedExports,
  'described fields': checkDescribedFields,
};
