/** Commented spec that `temper init --recipe simulated` prints. */
export const TEMPLATE = `# yaml-language-server: $schema=./pipeline.schema.json
# A linear model trained by plain Node programs: the whole pipeline in seconds, to try Temper or to test it.
apiVersion: temper/v1
name: simulated
recipe: simulated
workspace: ./workspace          # visible on all hosts; relative to this file
fleet: { hosts: 2, npusPerHost: 2 }   # two launchers with two ranks each
weights: { source: 'seed:1' }   # or path:FOLDER (made by this recipe), dcp:FOLDER (converted)
data:
  - { name: numbers, format: synthetic, rows: 400, heldOutRows: 50, seed: 7 }
  # - { name: mine, format: mllm, annotations: ./rows.json }
train:
  iterations: 200
  microBatchSize: 4
  learningRate: 2.0e-3
  warmupFraction: 0.05
  freeze: { visionEncoder: false, visionProjector: false, textDecoder: false }
  checkpoint: { every: 50, keep: 3, fidelity: full }
  env:
    SIM_STEP_MS: 5              # how long a step takes
    # SIM_FAULTS: /tmp/faults.json    # what goes wrong, see README.md of the recipe
export: { dtype: bf16 }
`;
