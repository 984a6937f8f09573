/**
 * Version of the converter and the check of training data (`domain/data`, `host/data`), a part of the key of the stages
 * that run them. They are not programs of a recipe, which count by content: without it, rows that another version of
 * Temper made or judged would be reused. Raise it when the same input can give other rows or another verdict.
 */
export const DATA_CODE_VERSION = 3;
