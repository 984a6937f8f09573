import { PythonError } from './program-errors.mjs';

/** Learning rate by samples seen: linear warm-up, then decay. Every `*_steps` counts samples, as Megatron does. */
export class LearningRateSchedule {
  /**
   * @param {{ max_lr: number, min_lr: number, lr_warmup_steps: number, lr_decay_steps: number,
   *   lr_decay_style: string }} settings
   */
  constructor(settings) {
    this.settings = settings;
    this.samples = 0;
  }

  /** Rate of the next optimizer step. */
  current() {
    const {
      max_lr: max,
      min_lr: min,
      lr_warmup_steps: warmup,
      lr_decay_steps: decay,
      lr_decay_style: style,
    } = this.settings;
    if (this.samples < warmup) return (max * this.samples) / warmup;
    if (style === 'constant') return max;
    if (this.samples >= decay) return min;
    const done = (this.samples - warmup) / (decay - warmup);
    const share = style === 'linear' ? 1 - done : 0.5 * (Math.cos(Math.PI * done) + 1);
    return min + share * (max - min);
  }

  /** @param {number} samples */
  advance(samples) {
    this.samples += samples;
  }

  /** What a checkpoint holds of it. */
  state() {
    return { ...this.settings, num_steps: this.samples };
  }

  /**
   * Takes over the position; the other values must be those of the checkpoint.
   * @param {Readonly<Record<string, any>>} saved
   * @param {boolean} isOverridden keep the own values whatever the checkpoint says
   */
  restore(saved, isOverridden) {
    for (const [name, value] of Object.entries(this.settings)) {
      if (isOverridden || saved[name] === value) continue;
      throw new PythonError(
        'AssertionError',
        `OptimizerParamScheduler: class input value ${value} and checkpointvalue ${saved[name]} for ${name} do not match`,
      );
    }
    this.samples = saved.num_steps;
  }
}
