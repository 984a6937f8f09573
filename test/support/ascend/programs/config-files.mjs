import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { PythonError } from '../../../../src/recipes/simulated/programs/program-errors.mjs';

/** Keys that the classes behind the data file take; any other is told only when the data is built, after the model. */
const CLASSES = {
  ProcessorArguments: [
    ...['model_name_or_path', 'use_fast_tokenizer', 'split_special_tokens', 'trust_remote_code'],
    ...['image_max_pixels', 'image_min_pixels', 'video_max_pixels', 'video_min_pixels', 'video_fps', 'video_maxlen'],
  ],
  DataArguments: [
    ...['template', 'dataset', 'dataset_dir', 'cache_dir', 'overwrite_cache', 'preprocessing_batch_size'],
    ...['preprocessing_num_workers', 'max_samples', 'streaming', 'train_on_prompt', 'mask_history', 'tool_format'],
    ...['val_dataset', 'val_max_samples', 'val_rate', 'packing', 'neat_packing', 'preprocess_on_fly'],
    ...['async_preprocess', 'use_pmcc_data', 'enable_thinking', 'cutoff_len'],
  ],
  DatasetAttr: [
    ...['ranking', 'system', 'images', 'videos', 'audios', 'messages', 'role_tag', 'content_tag', 'user_tag'],
    ...['assistant_tag', 'observation_tag', 'function_tag', 'system_tag', 'chosen', 'rejected', 'formatting'],
  ],
};
const LOSS_TYPES = ['default', 'per_sample_loss', 'per_token_loss', 'token_loss', 'square_loss'];
const MODELS = ['glm4v_moe', 'qwen3_vl', 'qwen3_vl_moe', 'qwen3_omni_moe', 'internvl', 'mistral3'];
const COLLATORS = ['glm4v_moe', 'qwen2vl', 'qwen3vl', 'internvl', 'qwen3omni'];
/** ShareGPT's names, which hold where the data file says nothing. */
const ATTRIBUTES = {
  ...{ images: null, messages: 'conversations', role_tag: 'from', content_tag: 'value' },
  ...{ user_tag: 'human', assistant_tag: 'gpt', system_tag: 'system', system: null },
};

/**
 * The JSON files of the command line, read before anything else.
 * @param {Record<string, any>} settings
 * @param {(line: string) => void} say
 * @returns {{ data: Record<string, any>, model: Record<string, any> } | null} null when one cannot be read, as told
 */
export function readConfigs(settings, say) {
  try {
    const [data, model] = ['mm-data', 'mm-model', 'mm-tool'].map((name) => readJson(settings[name], say));
    return { data, model };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    say('One or more config files failed to load.');
    return null;
  }
}

/**
 * What building the model refuses.
 * @param {Record<string, any>} model the model file
 * @param {number} worldSize
 * @param {string | null} shardingFile
 */
export function checkModel(model, worldSize, shardingFile) {
  if (!MODELS.includes(model.model_id)) throw new PythonError('KeyError', `'${model.model_id}'`);
  const parts = [model.image_encoder?.vision_encoder, model.image_encoder?.vision_projector, model.text_decoder];
  if (parts.some((part) => part?.freeze === undefined))
    throw new PythonError('AttributeError', "'ConfigReader' object has no attribute 'freeze'");
  const { loss_type: loss = 'default', compute_mode: mode = 'default' } = model.loss_cfg ?? {};
  if (!LOSS_TYPES.includes(loss)) throw new PythonError('NotImplementedError', `${loss} is not implemented.`);
  if (!['default', 'chunk', 'dynamic_chunk'].includes(mode))
    throw new PythonError('NotImplementedError', `${mode} is not implemented.`);
  const { sharding_size: sharding } = shardingFile === null ? {} : parse(readText(shardingFile));
  if (typeof sharding === 'number' && worldSize % sharding !== 0)
    throw new PythonError('ValueError', `world_size ${worldSize} must be divisible by sharding_size ${sharding}`);
}

/**
 * The settings of the data file, when the data is built.
 * @param {Record<string, any>} data the data file
 */
export function readDataSettings(data) {
  const { preprocess_parameters: processor, basic_parameters: basic, attr = {} } = data.dataset_param;
  for (const [name, given] of Object.entries({
    ProcessorArguments: processor,
    DataArguments: basic,
    DatasetAttr: attr,
  })) {
    const unknown = Object.keys(given).find((key) => !CLASSES[name].includes(key));
    if (unknown !== undefined)
      throw new PythonError('TypeError', `${name}.__init__() got an unexpected keyword argument '${unknown}'`);
  }
  if (basic.cutoff_len !== undefined)
    throw new PythonError(
      'ValueError',
      '`cutoff_len` is not supported in data.json, please use `--seq-length` instead.',
    );
  if (basic.template !== 'glm4v_moe') throw new PythonError('ValueError', `Template ${basic.template} does not exist.`);
  const loader = data.dataloader_param;
  const isRandom = loader.sampler_type === 'BaseRandomBatchSampler';
  if (isRandom && basic.streaming === true)
    throw new PythonError('TypeError', "object of type 'IterableDataset' has no len()");
  if (isRandom && loader.drop_last !== true)
    throw new PythonError('NotImplementedError', 'It is not implemented that the drop_last is false.');
  if (!COLLATORS.includes(loader.collate_param.model_name))
    throw new PythonError('KeyError', `'${loader.collate_param.model_name}'`);
  return { basic, attributes: { ...ATTRIBUTES, ...attr }, processor };
}

function readJson(path, say) {
  try {
    return JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof SyntaxError) say(`Error: Invalid JSON format in ${path}`);
    throw error;
  }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: '${path}' (${error.code})`);
  }
}
