export { fineTunePipeline } from './fine-tune-pipeline.js';
export { fleet } from './fleet.js';
export { scheduledRetrain } from './scheduled-retrain.js';
export { trainGang } from './train-gang.js';
