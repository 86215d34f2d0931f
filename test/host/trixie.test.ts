import { operatorsDay } from './day/day.ts';
import { suites } from './support/suites.ts';

operatorsDay(suites.trixie);
