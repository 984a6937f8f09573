import type { ResumeReport } from '../../schemas/checkpoint.js';
import type { CheckpointList, ListedCheckpoint } from '../../schemas/host-call.js';
import type { Paint, Style } from '../output.js';
import { plain } from './plain.js';
import { table } from './table.js';
import { showBytes } from '../../domain/text/show-bytes.js';
import { showAgo } from './units.js';

const STYLES: Readonly<Record<ListedCheckpoint['state'], Style>> = {
  proven: 'green',
  refused: 'red',
  unproven: 'yellow',
  removed: 'dim',
};

/** What `temper checkpoint ls` shows, `nowMs` being now. */
export function renderCheckpoints(
  { run, workspace, checkpoints, resumes }: CheckpointList,
  paint: Paint,
  nowMs: number,
): string {
  if (checkpoints.length === 0) return `run ${run} has no checkpoints yet`;
  const rows = checkpoints.map((one) => [
    String(one.iteration),
    String(one.attempt),
    paint(STYLES[one.state], one.isInUse ? `${one.state}, in use` : one.state),
    one.bytes === 0 ? '-' : showBytes(one.bytes),
    one.worldSize === 0 ? '-' : String(one.worldSize),
    one.hasOptimizer ? 'full' : 'weights',
    one.provenAt === null ? '-' : showAgo(one.provenAt, nowMs),
    plain(one.why ?? ''),
  ]);
  return [
    `${paint('bold', run)}  ${workspace}`,
    table(['ITERATION', 'ATTEMPT', 'STATE', 'SIZE', 'RANKS', 'HOLDS', 'PROVEN', ''], rows),
    ...resumes.flatMap(({ attempt, refused, report }) => [
      '',
      ...renderResume(attempt, report, paint),
      ...refused.map((text) => `  not used: ${plain(text)}`),
    ]),
  ].join('\n');
}

const COMPONENT_STYLES = { restored: 'green', reset: 'yellow', unverified: 'yellow' } as const;

function renderResume(attempt: number, { fidelity, from, components, broken }: ResumeReport, paint: Paint): string[] {
  return [
    `attempt ${attempt} resumed iteration ${from ?? '-'} (${fidelity})`,
    ...components.map(({ name, state, reason }) => {
      const isBroken = broken.includes(name);
      return `  ${name.padEnd(13)} ${paint(isBroken ? 'red' : COMPONENT_STYLES[state], state.padEnd(10))} ${plain(reason)}${isBroken ? ', which the spec does not allow' : ''}`;
    }),
  ];
}
