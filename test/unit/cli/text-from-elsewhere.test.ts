import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { renderExplain, type ExplainDocument } from '../../../src/cli/render/explain-text.ts';
import { renderFault } from '../../../src/cli/render/fleet-text.ts';
import { renderPlan, type PlanDocument } from '../../../src/cli/render/plan-text.ts';
import { renderStatus } from '../../../src/cli/render/status-text.ts';
import { writeJson, type Io, type Screen } from '../../../src/cli/streams.ts';
import { createPalette } from '../../../src/cli/terminal/colour.ts';
import { printableDocument, printableMessage } from '../../../src/core/printable-text.ts';
import { reportError } from '../../../src/cli/terminal/report-error.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { runCommand } from '../../support/command.ts';

/** Sets the title, clears the screen (also with C1), colours, reverses, forges a line. */
const EVIL = 'a\u001B]0;owned\u0007\u001B[2J\u009B2J\u001B[31m\u202Eb\u2066\r\nforged: all is well\n';
const UNSAFE = /[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;

const screen: Screen = { colour: false, columns: undefined, palette: createPalette({ colour: false }) };
const linesOf = (text: string): readonly string[] => text.split('\n');

const service = {
  service: 'web',
  outcome: 'blocked',
  reason: EVIL,
  message: EVIL,
  advice: EVIL,
  until: null,
  since: null,
  desired: null,
  good: null,
  containers: [{ name: EVIL, version: EVIL, state: 'running', health: EVIL, role: EVIL, since: null }],
  failure: { version: EVIL, at: EVIL, message: EVIL, log: [EVIL, EVIL] },
  origin: null,
  progress: null,
  differences: [{ field: EVIL, desired: EVIL, actual: EVIL }],
  next: [{ action: EVIL, subject: EVIL, why: EVIL }],
  steps: [{ action: EVIL, subject: EVIL, why: EVIL }],
  gap: EVIL,
  warning: EVIL,
  obstacle: { reason: EVIL, message: EVIL, advice: EVIL },
};

const status = {
  environment: EVIL,
  host: EVIL,
  outcome: 'blocked',
  agent: { running: true, version: EVIL, since: null },
  engine: { online: false, version: null, message: EVIL, advice: EVIL },
  manifest: {
    serial: 1,
    publisher: { name: EVIL, build: EVIL },
    acceptedAt: null,
    source: { reachable: false, message: EVIL },
    rejection: { message: EVIL, reason: EVIL, since: null, advice: EVIL },
    ignored: [{ service: EVIL, why: EVIL }],
  },
  hold: { owner: EVIL, all: false, until: null, reason: EVIL },
  report: null,
  problems: [{ code: EVIL, message: EVIL, advice: EVIL }],
  services: [service],
  edge: null,
  foreign: [],
} as unknown as Status;

describe('text from elsewhere', () => {
  const plan = { services: [service], edge: [], housekeeping: [], foreign: [] } as unknown as PlanDocument;
  const explain = { services: [service] } as unknown as ExplainDocument;
  const fault = { service: 'web', message: EVIL, reason: EVIL, advice: EVIL, log: [EVIL] };
  it.each([
    ['status', renderStatus(status, screen, 0)],
    ['plan', renderPlan(plan, screen)],
    ['explain', renderExplain(explain, screen)],
    ['a fault of a host', renderFault('web-1', fault, screen)],
  ])('neither steers the terminal nor forges a line: %s', (_what, text) => {
    expect(text).toContain('forged');
    for (const line of linesOf(text)) {
      expect(line).not.toMatch(UNSAFE);
      expect(line).not.toMatch(/^forged/);
    }
  });

  it('keeps what is no text', () => {
    expect(printableDocument({ a: [1, null, true, undefined], b: { c: '\u001Bx' } })).toEqual({
      a: [1, null, true, undefined],
      b: { c: ' x' },
    });
  });

  it('is indented in a message of several lines', () => {
    expect(printableMessage('wrong:\n  A is "x\nforged\u001B[2J"')).toBe('wrong:\n  A is "x\n  forged [2J"');
  });

  it('reaches standard error as one message', () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const io = { stdout, stderr } as unknown as Io;
    const error = new AgentError('STORE', `no tag ${EVIL}`, { advice: `one of: ${EVIL}` });
    reportError(io, error, false);
    const lines = linesOf(String(stderr.read()).trimEnd());
    for (const line of lines) expect(line).not.toMatch(UNSAFE);
    expect(lines.filter((line) => !line.startsWith('  '))).toHaveLength(1);
  });

  it('is harmless in a log for people', async () => {
    const log = join(import.meta.dirname, '..', '..', '..', 'src', 'adapters', 'log.ts');
    const script =
      `const { createLog } = await import(${JSON.stringify(log)});` +
      `const log = await createLog({ level: 'info', format: 'pretty', environment: 'test' });` +
      `log.write('warn', 'agent.warned', { message: ${JSON.stringify(EVIL)} });`;
    const { stdout } = await runCommand(process.execPath, ['--input-type=module', '--eval', script], {
      env: {},
    });
    expect(stdout).toContain('forged');
    expect(stdout.trimEnd()).not.toMatch(UNSAFE);
  });

  it('is escaped in JSON, and means the same', () => {
    const stdout = new PassThrough();
    writeJson({ stdout } as unknown as Io, { text: EVIL });
    const written = String(stdout.read());
    for (const line of linesOf(written)) expect(line).not.toMatch(UNSAFE);
    expect(JSON.parse(written)).toEqual({ text: EVIL });
  });
});
