/** How far a counted piece of work has come. */
export interface Counted {
  /** What stands before the bar. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

/** `merge moe experts weight:  40%|####      | 18/45 [00:10<00:15,  1.7it/s]`, as tqdm redraws it. */
const BAR = /^(.*?):?\s*\d{1,3}%\|[^|]*\|\s*(\d{1,12})\/(\d{1,12}) \[/;

/** The numbers of a progress bar, or null when the line is none. Sizes with units (`1.2G/3.4G`) are no counts. */
export function readProgressBar(line: string): Counted | null {
  const match = BAR.exec(line);
  if (match === null) return null;
  const [, label = '', done, total] = match;
  const counted = { label: label.trim(), done: Number(done), total: Number(total) };
  return counted.total === 0 || counted.done > counted.total ? null : counted;
}
