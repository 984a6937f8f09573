import { describe, expect, it } from 'vitest';
import { devLayout } from '../../../src/cli/dev/layout.js';
import { workerSpecs } from '../../../src/cli/dev/workers.js';

describe('the workers of temper dev', () => {
  const workers = (hosts: number, trainAddress: string | null) =>
    workerSpecs(devLayout('/home', hosts), { root: '/temper', env: {}, trainAddress });

  it('are a control worker and as many hosts as asked for, each with a scratch folder of its own', () => {
    const specs = workers(3, null);
    expect(specs.map(({ role }) => role)).toEqual(['control', 'host:laptop-1', 'host:laptop-2', 'host:laptop-3']);
    expect(new Set(specs.slice(1).map(({ args }) => args[args.indexOf('--scratch') + 1])).size).toBe(3);
    expect(specs.flatMap(({ args }) => args)).not.toContain('--train-address');
  });

  it('announce the address that several hosts of one machine can meet at', () => {
    const [control, ...hosts] = workers(2, '192.0.2.7');
    expect(control?.args).not.toContain('--train-address');
    expect(hosts.map(({ args }) => args.slice(-2))).toEqual([
      ['--train-address', '192.0.2.7'],
      ['--train-address', '192.0.2.7'],
    ]);
  });
});
