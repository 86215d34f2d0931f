import type { ReportedRollout } from '../../core/turns/read-rollout.ts';
import { judgeRollout, leadingChange } from '../../core/turns/rollout-verdict.ts';
import type { Screen } from '../streams.ts';
import { renderTable } from '../terminal/table.ts';
import { stoppingJobs } from './rollout-jobs.ts';

/** A command, and when to use it. */
type Next = readonly [string, string];

const freeing = ({ environment, holders }: ReportedRollout): readonly Next[] => {
  const lost = [...new Set(holders.filter(({ state }) => state === 'lost').map(({ host }) => host))];
  return lost.map((host) => [
    `supercargo rollout free ${environment} ${host} --reason …`,
    'if it will not report again',
  ]);
};

/** Ways on, from the one that changes least. The hub refuses to resume while a job stops a change. */
const goingOn = (rollout: ReportedRollout): readonly Next[] => {
  const { environment } = rollout;
  const jobs = stoppingJobs(rollout);
  const back: Next = [`supercargo rollback ${environment}`, 'if the version is bad'];
  if (jobs.some(({ state }) => state === 'failed'))
    return [[`supercargo publish ${environment} --retry …`, 'once the cause of the job is gone'], back];
  const [job] = jobs;
  if (job)
    return [
      [
        `supercargo rollout resume ${environment} --job-elsewhere --reason …`,
        `once ${job.job} has ended on ${job.host ?? 'its host'}`,
      ],
    ];
  const resume: Next = [`supercargo rollout resume ${environment} --reason …`, 'once the cause is gone'];
  return leadingChange(rollout)?.halted ? [resume, back] : [resume];
};

/** The commands that let a rollout go on, each with when to use it; empty if nothing stops it. */
export const renderNext = (rollout: ReportedRollout, screen: Screen): string => {
  const next = [...freeing(rollout), ...(judgeRollout(rollout) === 'halted' ? goingOn(rollout) : [])];
  const rows = next.map(([command, when]) => [`  ${screen.palette.info('→')} ${command}`, when]);
  return renderTable({ rows }, screen);
};
