import { expect, it } from 'vitest';
import { readReport, SUMMARY_VERSION } from '../../../../src/core/hub/read-report.ts';
import { hostStatus } from '../../../support/status.ts';

it('gives another version to what it makes of a report: if this fails, raise SUMMARY_VERSION', () => {
  const bytes = Buffer.from(JSON.stringify(hostStatus({ host: 'web-1', environment: 'staging' })));
  const read = readReport(bytes, 'staging', 'web-1');
  expect({ version: SUMMARY_VERSION, read }).toMatchSnapshot();
});
