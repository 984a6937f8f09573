/** Saving takes more than a tenth of the run. */
export const SAVE_SHARE = 'train/save-share';

/** Lints that a spec alone cannot raise: they follow from what is measured on a host. Accepting one is never in vain. */
export const MEASURED_LINTS: readonly string[] = [SAVE_SHARE];
