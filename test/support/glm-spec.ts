/** Text of a small spec of GLM-4.5V, for tests that look at hosts and train nothing. */
export function glmSpec(workspace: string, { npusPerHost = 2, train = [] }: GlmSpec = {}): string {
  return `apiVersion: temper/v1
name: glm
recipe: mindspeed-mm/glm-4.5v
workspace: ${workspace}
fleet: { hosts: 2, npusPerHost: ${npusPerHost} }
weights: { source: 'path:/nowhere' }
data:
  - { name: rows, format: mllm, annotations: /nowhere/rows.json }
train:
  iterations: 100
  learningRate: 1.0e-5
  loss: { type: per_token_loss }
  checkpoint: { every: 10 }
${train.map((line) => `  ${line}\n`).join('')}`;
}

interface GlmSpec {
  readonly npusPerHost?: number;
  /** More lines of the section `train`. */
  readonly train?: readonly string[];
}
