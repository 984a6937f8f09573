import { join } from 'node:path';
import { unloadable } from '../../../domain/data/loader-path.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { TrainingFacts } from './facts.js';

/** Values that the example gives for how rows become samples; what the spec can change is said at `dataFile`. */
const DEFAULTS = { imageMaxPixels: 262_144, imageMinPixels: 1_024, preprocessWorkers: 16, workers: 8 };

/**
 * The data file (`--mm-data`). Unknown keys fail only after the model is loaded, so every key is one of the example's
 * or of the loader's own. `enable_thinking` has no effect in this code; it stays as in the example.
 */
export function dataFile({ spec, folders, data }: TrainingFacts): object {
  const loader = spec.train.dataLoader;
  const pixels = imagePixels(spec);
  const isStreaming = loader?.streaming ?? false;
  return {
    dataset_param: {
      dataset_type: 'huggingface',
      preprocess_parameters: {
        // Tokenizer and image processor of the original model, before conversion.
        model_name_or_path: folders.hf,
        use_fast_tokenizer: true,
        split_special_tokens: false,
        image_max_pixels: pixels.most,
        image_min_pixels: pixels.least,
        video_max_pixels: 16_384,
        video_min_pixels: 0,
        video_fps: 2,
        video_maxlen: 64,
      },
      basic_parameters: {
        template: 'glm4v_moe',
        // Only images are looked for in here.
        dataset_dir: data.mediaDir,
        // Taken from the working directory; several files are joined by a comma without spaces.
        dataset: joinFiles(data.files),
        // On the host's own disk: on a shared one the first rank of each host would write the same files.
        cache_dir: cacheDir(folders.caches),
        enable_thinking: false,
        overwrite_cache: false,
        train_on_prompt: false,
        mask_history: false,
        preprocessing_batch_size: 1_000,
        preprocessing_num_workers: preprocessWorkers(spec),
        // Rows are left out when they are converted: a limit above their number would fail here, after the load.
        max_samples: null,
        tool_format: null,
        ...(isStreaming ? { streaming: true } : {}),
        ...(loader?.preprocessOnFly === true ? { preprocess_on_fly: true } : {}),
      },
      attr: {
        system: null,
        images: 'images',
        videos: null,
        messages: 'messages',
        role_tag: 'role',
        content_tag: 'content',
        user_tag: 'user',
        assistant_tag: 'assistant',
        observation_tag: null,
        function_tag: null,
        system_tag: null,
      },
    },
    dataloader_param: {
      dataloader_mode: 'sampler',
      // The sampler of the example refuses anything else.
      drop_last: true,
      // The example's sampler asks for the length of the data, which a stream has not.
      sampler_type: isStreaming ? 'stateful_distributed_sampler' : 'BaseRandomBatchSampler',
      collate_param: { model_name: 'glm4v_moe', ignore_pad_token_for_loss: true },
      pin_memory: true,
      shuffle: true,
    },
  };
}

/** Processes that read data, for each rank: the example's number; streams are read by the rank itself. */
export function loaderWorkers({ train }: PipelineSpec): number {
  return train.dataLoader?.streaming === true ? 0 : (train.dataLoader?.workers ?? DEFAULTS.workers);
}

/** Processes of a host that turn rows into tokens, each an equal part of them. */
export function preprocessWorkers({ train }: PipelineSpec): number {
  return train.dataLoader?.preprocessWorkers ?? DEFAULTS.preprocessWorkers;
}

/** Bounds that images are scaled into. */
export function imagePixels({ train }: PipelineSpec): { readonly least: number; readonly most: number } {
  const { imageMinPixels, imageMaxPixels } = train.dataLoader ?? {};
  return { least: imageMinPixels ?? DEFAULTS.imageMinPixels, most: imageMaxPixels ?? DEFAULTS.imageMaxPixels };
}

/** Folder of the tokenized rows on one host. */
export function cacheDir(caches: string): string {
  return join(caches, 'datasets-of-training');
}

/** The loader splits at commas and takes what stands between them as it is. */
function joinFiles(files: readonly string[]): string {
  const bad = files.find((file) => unloadable(file) !== null);
  if (bad !== undefined) throw new TypeError(`the data file ${JSON.stringify(bad)} holds ${unloadable(bad)}`);
  return files.join(',');
}
