import type { RetrainInput, RetrainMemo } from '../../schemas/retrain.js';

/** What a retrain tells from its first moment on: who looks for retrains of a model finds it before it did anything. */
export function beginningMemo({ model, workspace }: Pick<RetrainInput, 'model' | 'workspace'>): RetrainMemo {
  return { v: 1, state: 'running', phase: 'resolving the inputs', run: null, reason: null, model, workspace };
}
