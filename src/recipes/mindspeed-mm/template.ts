/** Commented spec that `temper init --recipe mindspeed-mm/glm-4.5v` prints. */
export const TEMPLATE = `# yaml-language-server: $schema=./pipeline.schema.json
# GLM-4.5V (106 billion parameters) fine-tuned with MindSpeed-MM on 8 Atlas A3 hosts with 16 devices each.
apiVersion: temper/v1
name: glm45v-llava
recipe: mindspeed-mm/glm-4.5v
workspace: ./workspace          # on a file system that all hosts share; needs about 6.5 TB: temper plan tells
fleet: { hosts: 8, npusPerHost: 16, spares: 1 }

environment:
  location: perHost             # or shared: installed once in the workspace, verified on every host
  # cannEnv: /usr/local/Ascend/cann/set_env.sh        # found by itself at its new and its old place
  # sources: { mindspeedMm: { ref: 840612c5 } }       # other commits of the four repositories
  # python: /opt/glm/bin/python                       # an existing environment: verified and never changed,
  # checkouts: { mindspeedMm: /opt/MindSpeed-MM }     # with its checkouts

weights:
  source: hf:zai-org/GLM-4.5V   # or modelscope:ZhipuAI/GLM-4.5V, path:FOLDER, dcp:FOLDER (converted)
  # reduceLayers: 4             # a smaller model, for debugging on one host
  # localCopy: true             # each host loads the converted weights (215 GB) from its own disk

data:
  - name: llava
    format: llava
    annotations: hf-dataset:liuhaotian/LLaVA-Instruct-150K/llava_instruct_150k.json
    images: { zip: 'http://images.cocodataset.org/zips/train2017.zip' }
  # - { name: text, format: mllm, annotations: ./text.json }   # ready rows, with or without images

train:
  iterations: 10000
  microBatchSize: 1
  gradientAccumulation: 1
  learningRate: 1.0e-5
  warmupFraction: 0.1
  sequenceLength: 1024
  freeze: { visionEncoder: true, visionProjector: true, textDecoder: false }
  # How the loss is averaged changes what is learned. per_token_loss: every token of the batch counts the same, so long
  # answers weigh more than short ones. per_sample_loss: every sample counts the same, so each token of a short answer
  # weighs more. default: the mean of each micro batch, then over the ranks.
  loss: { type: per_token_loss }
  checkpoint: { every: 500, keep: 3, fidelity: full }   # full: 1.3 TB each; weights-only: 430 GB each

export:
  dtype: bf16                   # as the original; f32 is what was trained, 430 GB
  # smoke: { command: ['{{python}}', /mnt/shared/ask.py, '{{model}}'] }   # tried on a host; a failure blocks the run
`;
