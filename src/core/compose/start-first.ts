import type { ComposeProject } from './model.ts';
import type { ComposeProblem, Place } from './problem.ts';

/** Where each key was written, by path (`services.web.deploy.update_config.order`). */
export type Places = Readonly<Record<string, Place>>;

/** `order: start-first` is understood, but this version cannot do it: `validate` and the agent refuse it plainly. */
export const startFirstProblems = (project: ComposeProject, places: Places): readonly ComposeProblem[] =>
  Object.values(project.services)
    .filter((service) => service.update.order === 'start-first')
    .map((service) => {
      const path = `services.${service.name}.deploy.update_config.order`;
      const place = places[path] ?? places[`services.${service.name}`] ?? { file: '', line: 1, column: 1 };
      return {
        ...place,
        path,
        message: 'order: start-first is not supported yet by this version',
        advice: 'use stop-first',
      };
    });
