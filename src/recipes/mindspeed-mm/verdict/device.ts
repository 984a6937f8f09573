import type { CauseRule } from '../../../domain/causes/causes.js';
import { faultRules } from './device-faults.js';
import { cascade, row } from './row.js';

/**
 * Software and set-up: a device that does not start or take memory because of it says so in other lines too, before or
 * behind these.
 */
const SETUP_RULES: readonly CauseRule[] = [
  row(
    'opp-unverified',
    /\bE30006\b|Failed to verify the OPP|\bEL0003\b.{0,200}argument is invalid/i,
    'environment',
    'stop',
    'operators and driver of {host} do not fit together: {text}',
  ),
  row(
    'visible-devices-wrong',
    /error code:? (is )?107001\b|Invalid device ID|Set visible device failed, invalid device/,
    'environment',
    'stop',
    'rank {rank} on {host} asked for a device that is not visible: {text}',
  ),
  row(
    'acl-init-failed',
    /error code:? (is )?500001\b.{0,200}AclSetCompileopt|AclSetCompileopt.{0,200}error code:? (is )?500001\b/,
    'environment',
    'stop',
    'torch_npu could not begin on {host}; its versions do not fit: {text}',
  ),
  row(
    'cann-not-sourced',
    /No module named 'acl'|lib(atb|hccl|ascendcl)\.so: cannot open shared object file|lib(atb|hccl)\.so.{0,80}No such file/,
    'environment',
    'stop',
    'CANN or NNAL is not set up on {host}: {text}',
  ),
].map((rule) => ({ ...rule, order: 'first' }));

/**
 * Texts of device, runtime and torch_npu. Newer builds number them differently: the text decides, the number helps where
 * it is called an error code.
 */
export const DEVICE_RULES: readonly CauseRule[] = [
  ...faultRules(),
  ...SETUP_RULES,
  row(
    'internal-by-torch-npu',
    /\bERR0[0-4]005\b/,
    'code-error',
    'stop',
    'torch_npu failed inside at rank {rank} on {host}: {text}',
  ),
  // Leftovers of an older process.
  row(
    'device-held',
    /the last training process is running/,
    'leftover',
    'clean-restart',
    'an older process holds a device of {host}: {text}',
  ),
  row(
    'device-start-failed',
    /error code:? (is )?507033\b|Failed to start the device|tsd client wait response fail/,
    'leftover',
    'clean-restart',
    'a device of {host} did not start: {text}',
  ),
  {
    ...row(
      'device-memory-exhausted',
      /\bEL0004\b|Allocate continuous memory failed|error code:? (is )?2070(18|01)\b|The memory on the device is exhausted|Failed to apply for memory/,
      'leftover',
      'clean-restart',
      'the memory of a device of {host} is exhausted under rank {rank}; before the first iteration another process holds it, later smaller batches need less: {text}',
    ),
    onceStepped: { cause: 'out-of-memory', reaction: 'stop' },
  },
  // Hardware.
  row(
    'memory-uncorrectable',
    /\bUCE ERROR\b/,
    'device-fault',
    'restart',
    'the memory of a device failed, rank {rank} on {host}: {text}',
  ),
  row(
    'memory-multi-bit',
    /HBM MULTI BIT ECC ERROR|hbm Multi-bit ECC error|cqeStatus=(0x0?2|8)\b/,
    'device-fault',
    'restart',
    'the memory of a device has a double fault, rank {rank} on {host}: {text}',
  ),
  row(
    'memory-suspected',
    /SUSPECT (MEM|REMOTE) ERROR|suspect device mem error/,
    'device-fault',
    'restart',
    'the memory of a device is under suspicion, rank {rank} on {host}: {text}',
  ),
  row(
    'link-in-supernode',
    /\b(HCCS|UB) LINK ERROR\b|reason=\[link error\]/,
    'link-fault',
    'restart',
    'a link between devices failed, rank {rank} on {host}: {text}',
  ),
  row(
    'device-heartbeat-lost',
    /error code:? (is )?507010\b|lost heartb(eat|eart)|\[drv_soft_fault\].{0,80}Heartbeat lost/,
    'device-fault',
    'clean-restart',
    'a device of {host} no longer answers; it may need a reset: {text}',
  ),
  row(
    'device-gone',
    /\bEL0001\b|error code:? (is )?207004\b|The device is unavailable|no valid device/,
    'device-fault',
    'clean-restart',
    'a device of {host} is gone: {text}',
  ),
  row(
    'driver-failed',
    /error code:? (is )?507899\b|error code:? (is )?50790[01]\b|HDC session is disconnected/,
    'device-fault',
    'clean-restart',
    'the driver of {host} lost a device: {text}',
  ),
  row(
    'core-exception',
    /error code:? (is )?5070(35|15)\b|vector core exception|(vector core|aicore) execution is abnormal|(aivec|aicore) error/i,
    'device-fault',
    'restart',
    'a core of a device failed, rank {rank} on {host}; the same operator on other devices would be software: {text}',
  ),
  row(
    'core-timeout',
    /error code:? (is )?5070(14|34)\b|(aicore|vector core) execution time[sd] out/i,
    'device-fault',
    'restart',
    'an operator hung on a device, rank {rank} on {host}: {text}',
  ),
  {
    ...row(
      'device-cpu-failed',
      /error code:? (is )?50701[78]\b|aicpu execution (is abnormal|times out)/i,
      'device-fault',
      'clean-restart',
      "a device's own CPU failed, rank {rank} on {host}; before the first iteration an earlier user may have left it so: {text}",
    ),
    onceStepped: { cause: 'device-fault', reaction: 'restart' },
  },
  row(
    'scheduler-failed',
    /error code:? (is )?507001\b|internal error in the task scheduler/,
    'device-fault',
    'restart',
    'the scheduler of a device failed, rank {rank} on {host}: {text}',
  ),
  row(
    'unsafe-data',
    /unsafe data in the input tensor/,
    'device-fault',
    'restart',
    'data was lost in a fault of the memory, rank {rank} on {host}: {text}',
  ),
  // The first error of a job in code, else what is left after another one: the time decides.
  row(
    'context-empty',
    /error code:? (is )?107002\b|context is empty|ctx is NULL/,
    'code-error',
    'stop',
    'rank {rank} on {host} used a device without a context: {text}',
  ),
  cascade('force-stop', /\bFORCE STOP\b/, 'a device of {host} was stopped: {text}'),
  cascade(
    'copy-failed',
    /error code:? (is )?507013\b|sdma error|Memory async copy failed|cqeStatus=/i,
    'a copy failed at rank {rank} on {host}: {text}',
  ),
  cascade(
    'model-failed',
    /error code:? (is )?507011\b|Model execution failed/,
    'a stream failed at rank {rank} on {host}: {text}',
  ),
  cascade(
    'stream-timeout',
    /error code:? (is )?50704[678]\b|\bEE1002\b|Stream synchronize timeout|execution of the internal task times out/,
    'rank {rank} on {host} waited too long: {text}',
  ),
  cascade(
    'task-timeout',
    /error code:? (is )?1070(19|20)\b|reason=\[task timeout\]|Task execution timed out/,
    'a task of rank {rank} on {host} timed out: {text}',
  ),
];
