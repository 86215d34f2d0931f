import { addressChecks, nameChecks, portChecks, singletonChecks } from './conflict-checks.ts';
import { cycleCheck, dependencyChecks, donorHints, donorsOf } from './dependency-checks.ts';
import { onceChecks } from './once-checks.ts';
import type { Context } from './reader-context.ts';
import type { Services } from './service.ts';
import { startFirstChecks } from './start-first-checks.ts';
import { imageHints, versionFromChecks } from './version-checks.ts';

/** The checks that need all services. */
export const checkServices = (services: Services, c: Context): void => {
  const donors = donorsOf(services);
  for (const written of services.values()) {
    dependencyChecks(written, services, c);
    cycleCheck(written, services, donors, c);
    donorHints(written, services, donors, c);
    versionFromChecks(written, services, c);
    onceChecks(written, services, c);
    imageHints(written, c);
    singletonChecks(written, c);
    startFirstChecks(written, c);
  }
  portChecks(services, c);
  nameChecks(services, c);
  addressChecks(services, c);
};
