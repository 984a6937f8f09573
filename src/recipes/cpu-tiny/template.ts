/** Commented spec that `temper init --recipe cpu-tiny` prints. */
export const TEMPLATE = `# yaml-language-server: $schema=./pipeline.schema.json
# A real GLM-4.5V of half a million parameters, trained on two CPU hosts.
apiVersion: temper/v1
name: tiny
recipe: cpu-tiny
workspace: ./workspace          # visible on all hosts; relative to this file
fleet: { hosts: 2, npusPerHost: 1 }   # two torchrun nodes with one rank each
weights: { source: 'seed:1' }   # or path:FOLDER (Hugging Face format), dcp:FOLDER (converted)
data:
  - { name: shapes, format: synthetic, rows: 1600, heldOutRows: 50, seed: 7 }
  # - { name: mine, format: llava, annotations: ./rows.json, images: { path: ./images } }
train:
  iterations: 240
  microBatchSize: 16
  learningRate: 1.2e-3
  warmupFraction: 0.05
  sequenceLength: 256
  freeze: { visionEncoder: false, visionProjector: false, textDecoder: false }
  checkpoint: { every: 80, keep: 3, fidelity: full }
export: { dtype: bf16 }
`;
