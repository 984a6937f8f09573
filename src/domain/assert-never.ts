/** Marks a switch as exhaustive: the compiler refuses the call while a case is missing. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value: ${JSON.stringify(value)}`);
}
